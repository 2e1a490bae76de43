//! The control plane starts, answers, and forgets.

use freshet_tests::moto::Moto;

#[test]
fn moto_starts_on_a_port_of_its_own() {
    let [one, two] = [Moto::start().unwrap(), Moto::start().unwrap()];
    assert_ne!(one.url(), two.url());
    assert!(one.url().starts_with("http://127.0.0.1:"), "{}", one.url());
    one.reset().unwrap();
    assert!(one.log().contains("/moto-api/reset"));
}
