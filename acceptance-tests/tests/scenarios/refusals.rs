//! What is refused, where the message points, and that nothing is touched.

use acceptance_tests::{Deployment, Diagnostic, SimulatorOptions, on_every_cli, paths};
use anyhow::{Context as _, Result, ensure};

use crate::support::{example, example_with, expect_clean, one_cli};

/// A change of the example, which makes it wrong.
type Edit<'a> = (&'a str, &'a str);

/// Where a message must point, and the words that must be in it.
struct Expected<'a> {
    address: &'a str,
    code: &'a str,
    words: &'a [&'a str],
}

/// Writes the example with these changes.
fn rewrite(cloud: &Deployment, edits: &[Edit<'_>]) -> Result<()> {
    let file = paths::repository().join("examples/complete/main.tf");
    let mut text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    for (from, to) in edits {
        ensure!(text.contains(from), "the example has no {from:?}");
        text = text.replacen(from, to, 1);
    }
    cloud.write("main.tf", &text)
}

/// Fails unless each is among the errors, at its line, and no error is there beside them.
fn expect_exactly(errors: &[Diagnostic], expected: &[Expected<'_>]) -> Result<()> {
    for Expected { address, code, words } in expected {
        let here = |error: &&Diagnostic| {
            let text = format!("{} {}", error.summary, error.detail);
            error.address.as_deref().is_none_or(|found| found == *address)
                && error.code.as_deref() == Some(*code)
                && words.iter().all(|word| text.contains(word))
        };
        ensure!(errors.iter().any(|error| here(&error)), "no error with {words:?} at {code:?}: {errors:#?}");
    }
    ensure!(
        errors.len() == expected.len(),
        "{} errors instead of {}: {errors:#?}",
        errors.len(),
        expected.len()
    );
    Ok(())
}

/// The plan of the example with these changes is refused so, and vCenter is not touched.
fn plan_is_refused(cloud: &Deployment, edits: &[Edit<'_>], expected: &[Expected<'_>]) -> Result<()> {
    rewrite(cloud, edits)?;
    let log = cloud.vcenter.log_of(|| expect_exactly(&errors(cloud.plan_fails()?), expected))?;
    assert_eq!(log.mutations, []);
    expect_clean(&log)
}

fn errors(diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.into_iter().filter(|diagnostic| diagnostic.severity == "error").collect()
}

#[test]
fn what_is_wrong_in_itself_is_refused_by_validate_all_at_once() -> Result<()> {
    on_every_cli(|cli| {
        let cloud = example(cli)?;
        rewrite(
            &cloud,
            &[
                ("\"zed\"", "\"zebra\""),
                (
                    "[\"198.18.10.10-198.18.10.99\"]",
                    "[\"198.18.10.10-198.18.10.50\", \"198.18.10.50-198.18.10.99\"]",
                ),
                ("\"198.18.20.10\"", "\"198.18.21.10\""),
                ("\"memcache\"", "\"memcached\""),
                (
                    "  load_balancer_id      = vio_component.load_balancer.id\n  kind                  = \"database\"",
                    "  kind                  = \"database\"",
                ),
            ],
        )?;
        let log = cloud.vcenter.log_of(|| {
            expect_exactly(
                &errors(cloud.validate_fails()?),
                &[
                    Expected {
                        address: "vio_management_cluster.this",
                        code: "release    = \"zebra\"",
                        words: &["`zebra`", "`zed`", "`kilo`", "`icehouse`"],
                    },
                    Expected {
                        address: "vio_management_cluster.this",
                        code: "ip_ranges",
                        words: &["198.18.10.10-198.18.10.50", "198.18.10.50-198.18.10.99"],
                    },
                    Expected {
                        address: "vio_management_cluster.this",
                        code: "vip",
                        words: &["`198.18.21.10`", "`198.18.20.0/24`"],
                    },
                    Expected {
                        address: "vio_component.memcache",
                        code: "kind                  = \"memcached\"",
                        words: &["`memcached`", "`memcache`"],
                    },
                    Expected {
                        address: "vio_component.database",
                        code: "resource \"vio_component\" \"database\" {",
                        words: &["`database`", "`load_balancer_id`"],
                    },
                ],
            )
        })?;
        assert_eq!(log.calls, 0, "validate needs no vCenter");
        Ok(())
    })
}
