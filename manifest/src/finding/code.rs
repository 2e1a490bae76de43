//! The codes of findings. A code never changes its meaning; the documentation is generated from these titles and explanations.

use std::fmt;

use super::Severity;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal $severity:ident, $title:literal, $explain:literal;)*) => {
        /// What a finding is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        /// Every code, in the order of their numbers.
        pub const CODES: &[Code] = &[$(Code::$name),*];

        impl Code {
            /// The code as people write it, such as `M101`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// What it is about, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }

            /// Why it is a finding and what to do, in a sentence or two.
            pub fn explain(self) -> &'static str {
                match self { $(Self::$name => $explain),* }
            }

            /// How grave it is.
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity),* }
            }
        }
    };
}

codes! {
    Syntax = "M001" Error, "not YAML",
        "The file cannot be read as YAML. What holds a comma or bracket inside {} and [], and what begins with @ * & % # ! | > or a backtick, must stand in quotes.";
    UnknownKey = "M002" Error, "unknown key",
        "The grammar has no such key here; what is not understood is refused, because a misspelt key would be ignored otherwise.";
    DuplicateKey = "M003" Error, "key given twice",
        "A key may stand once: of two values one would be lost without a word.";
    MissingKey = "M004" Error, "missing key",
        "A key that has no default is not there.";
    Kind = "M005" Error, "wrong kind of value",
        "A text, a list or a mapping stands where another kind is expected.";
    Value = "M006" Error, "value not understood",
        "The value does not follow the rule of its kind: a name, a share, a span of time, a word from a list.";
    Interpolation = "M007" Error, "${…} that is not resolved here",
        "${env:NAME} stands in freshet.yml only, ${secret:NAME} in addresses, headers, bodies and conditions of sources only, so that nothing of a laptop reaches a definition.";

    File = "M101" Error, "file missing or not readable",
        "A file that the project needs is not there, is not UTF-8, or has a name that is not looked at.";
    DatasetFile = "M102" Error, "dataset and file are named differently",
        "A dataset is found by its name: the file is called <dataset>.yml.";
    DuplicateDataset = "M103" Error, "two datasets of one name",
        "A dataset's name is unique in the project, whatever folder its file is in.";
    DuplicateTable = "M104" Error, "two tables of one name",
        "Two datasets that publish the same table of the same schema would replace each other's rows.";
    UnknownDataset = "M105" Error, "unknown dataset",
        "A schedule or depends_on names a dataset that no file declares.";
    UnknownTaskDef = "M106" Error, "unknown task-def",
        "A schedule names a task-def that task-defs/ does not hold.";
    Circle = "M107" Error, "datasets depend on each other in a circle",
        "None of them could ever be loaded first.";
    FileName = "M108" Error, "file name of a source",
        "The name under --from and under an environment's sources: is a plain file name, one per address.";

    UnknownColumn = "M201" Error, "unknown column",
        "A key names a column that the table does not declare.";
    Type = "M202" Error, "unknown type",
        "PostgreSQL has no such type, or not with this modifier.";
    Table = "M203" Error, "keys that contradict each other",
        "Two keys of a table or view cannot both hold, or PostgreSQL would refuse what they say together.";
    Column = "M204" Error, "column declared wrongly",
        "A column is `name: type`, with `not null` or `identity` behind the type.";
    Derive = "M205" Error, "derived column",
        "A derived column is one known function of columns, or a template of columns and variables of each.";
    Load = "M206" Error, "load and duplicates",
        "An upsert needs a key that is unique, and what is newest needs a column that tells.";
    Sql = "M207" Error, "SQL that is not allowed here",
        "A query is one SELECT; what runs after the load may not write to the dataset's tables.";

    Source = "M301" Error, "source that cannot be read",
        "A source is one of url, socrata, dcat, arcgis, ckan or database, with the keys of that kind.";
    Format = "M302" Error, "format of a source",
        "The format comes from the file's name or from format:, and some keys belong to some formats only.";
    Template = "M303" Error, "{name} that is not known",
        "{names} in url, file and member are variables of each, {year:yy} is the last two digits.";
    Each = "M304" Error, "each",
        "A variable of each is a list of values or of ranges such as 2010..2017.";
    Secret = "M305" Error, "secret that the stack does not declare",
        "A ${secret:NAME} must stand under secrets: of freshet.yml in every environment.";

    Schedule = "M401" Error, "schedule expression",
        "The expression is neither cron nor one AWS takes, or AWS cannot say it.";
    Timezone = "M402" Error, "time zone",
        "A time zone is an IANA name such as America/New_York; UTC is one.";
    Rule = "M403" Error, "EventBridge rule",
        "A rule knows UTC only, and cron or rate only.";
    ScheduledTwice = "M404" Error, "dataset scheduled twice",
        "All firings of a dataset stand in one place, as a list.";
    Spread = "M405" Error, "spread",
        "Only a cron expression with room behind it in its day can be moved.";
    Unavailable = "M406" Error, "schedule of a dataset that is unavailable",
        "The publisher took it down: there is nothing to load.";
    TaskDef = "M407" Error, "size or limit that AWS does not take",
        "Fargate offers certain pairs of cpu and memory; timeouts, attempts and storage have limits.";
    DefinitionSize = "M408" Error, "manifest too large for a definition",
        "A definition carries the dataset's manifest with its SQL: 64 KiB in all for ECS, 24 KiB for Batch.";

    Account = "M501" Error, "environment",
        "Account, region, cluster, network and names of an environment follow AWS's rules.";
    EnvironmentVariable = "M502" Error, "environment variable that is not set",
        "${env:NAME} is taken from the environment of the command.";

    Freshness = "M601" Warning, "freshness shorter than the schedule",
        "The table is older than it may be before the next load starts, so the alarm would ring each time.";
    Unscheduled = "M602" Warning, "dataset without schedule",
        "Nothing loads it. Write `name: manual` where that is meant.";
    NotSpread = "M603" Warning, "schedule that the spread does not move",
        "The file's spread cannot be applied to this expression.";
    NotServed = "M604" Warning, "not served by the worker yet",
        "The manifest is right, and the worker of this version refuses it by name.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
