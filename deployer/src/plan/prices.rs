//! What AWS asks, in US dollars, us-east-1: the one table of prices. Other regions cost some per cent more or less. It was
//! written down by hand and nothing reads AWS's price list: what is marked *recalled* was written from memory of the services'
//! price pages as of [`PRICES`]`.read` and is to be checked there before it is relied on; the others stood in a copy of those
//! pages. A build with other prices changes this file and nothing else.

/// Prices, and the share of them that some ways of running take.
#[derive(Debug)]
pub(super) struct Prices {
    /// Month in which they were written down.
    pub(super) read: &'static str,
    /// Fargate, Linux on x86-64: a vCPU, an hour. At least a minute is charged.
    pub(super) vcpu: f64,
    /// Fargate: a GB of memory, an hour.
    pub(super) gigabyte: f64,
    /// What of both a task on ARM costs: about a fifth less.
    pub(super) arm: f64,
    /// What of both a task on Spot costs; *recalled*: AWS says up to 70 % less, and the price moves.
    pub(super) spot: f64,
    /// Fargate: a GB of storage above 20, an hour.
    pub(super) storage: f64,
    /// A public IPv4 address, an hour; *recalled*.
    pub(super) address: f64,
    /// An alarm of one metric at standard resolution, a month.
    pub(super) alarm: f64,
    /// A custom metric, a month; only hours in which it has data count.
    pub(super) metric: f64,
    /// A dashboard, a month; *recalled*. An account's first three cost nothing, which is not taken off here.
    pub(super) dashboard: f64,
    /// A secret, a month.
    pub(super) secret: f64,
    /// A GB that is written to CloudWatch Logs; *recalled*.
    pub(super) log_gigabyte: f64,
}

/// The prices.
pub(super) const PRICES: Prices = Prices {
    read: "2026-06",
    vcpu: 0.040_48,
    gigabyte: 0.004_445,
    arm: 0.8,
    spot: 0.3,
    storage: 0.000_111,
    address: 0.005,
    alarm: 0.10,
    metric: 0.30,
    dashboard: 3.0,
    secret: 0.40,
    log_gigabyte: 0.50,
};
