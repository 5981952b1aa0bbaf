//! Renders a node's document from the release's templates.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, context};
use serde::Serialize;

use crate::release::{
    ActionSpec, CheckSpec, FileSpec, KindId, KindSpec, Members, Network, Overrides, Probe, Release,
    ServiceSpec, merge, templates,
};

use super::document::{Action, Check, DOCUMENT_VERSION, Document, File, Service};
use super::error::RenderError;
use super::front_end::front_ends;
use super::secrets::{SecretSource, allowed};
use super::view::{CloudView, NodeView};

/// The document of a node.
///
/// # Errors
/// As [`Renderer::render`].
pub fn render_node(
    release: &Release,
    cloud: &CloudView,
    node: &NodeView,
    overrides: &Overrides,
    secrets: &dyn SecretSource,
) -> Result<Document, RenderError> {
    Renderer::new(release, cloud).render(node, overrides, secrets)
}

/// Renders the nodes of one cloud. What many of them see is made once: it grows with the cloud.
pub struct Renderer<'a> {
    release: &'a Release,
    cloud: &'a CloudView,
    cloud_seen: Value,
    front_ends: Value,
    peers: BTreeMap<(KindId, Option<&'a str>), Peers>,
}

/// The nodes of a component.
struct Peers {
    seen: Value,
    lowest_index: u32,
}

impl<'a> Renderer<'a> {
    /// Of the nodes of this cloud.
    #[must_use]
    pub fn new(release: &'a Release, cloud: &'a CloudView) -> Self {
        let mut peers: BTreeMap<(KindId, Option<&str>), Vec<&NodeView>> = BTreeMap::new();
        for node in cloud.nodes.values().flatten() {
            peers.entry((node.kind, node.group.as_deref())).or_default().push(node);
        }
        let of = |nodes: Vec<&NodeView>| Peers {
            lowest_index: nodes.iter().map(|node| node.index).min().unwrap_or_default(),
            seen: seen(nodes),
        };
        Self {
            release,
            cloud,
            cloud_seen: seen(cloud),
            front_ends: seen(front_ends(release, cloud)),
            peers: peers.into_iter().map(|(component, nodes)| (component, of(nodes))).collect(),
        }
    }

    /// The document of a node.
    ///
    /// # Errors
    /// When a template fails, when the view lacks the node's component, or when an override does not fit its file.
    pub fn render(
        &self,
        node: &NodeView,
        overrides: &Overrides,
        secrets: &dyn SecretSource,
    ) -> Result<Document, RenderError> {
        let kind = node.kind;
        let id = &self.release.id;
        let spec = self
            .release
            .kinds
            .get(&kind)
            .ok_or_else(|| RenderError::NoKind { release: id.to_string(), kind: kind.to_string() })?;
        let peers = self.peers.get(&(kind, node.group.as_deref()));
        let context = self.context(spec, node, peers, secrets)?;
        let leads = peers.is_none_or(|peers| peers.lowest_index >= node.index);
        let scene = Scene { release: self.release, spec, node, context, leads };
        let mut files = scene.files()?;
        scene.override_files(&mut files, overrides)?;
        files.sort_unstable_by(|left, right| left.path.cmp(&right.path));
        Ok(Document {
            version: DOCUMENT_VERSION,
            node: node.name.clone(),
            kind: kind.to_string(),
            release: id.to_string(),
            packages: scene.packages()?,
            files,
            services: scene.services()?,
            actions: scene.actions()?,
            checks: scene.checks()?,
        })
    }

    fn context(
        &self,
        spec: &KindSpec,
        node: &NodeView,
        peers: Option<&Peers>,
        secrets: &dyn SecretSource,
    ) -> Result<Value, RenderError> {
        let (cloud, component) = (self.cloud, node.component());
        let Some(options) = cloud.components.get(&component).map(|component| &component.options) else {
            return Err(RenderError::NoComponent { node: node.name.clone(), component });
        };
        let revealed = allowed(spec, node, options, cloud.compute_clusters.keys().cloned(), secrets);
        let secret = move |purpose: &str| revealed.get(purpose).cloned().ok_or_else(|| no_secret(purpose));
        Ok(context! {
            cloud => self.cloud_seen.clone(),
            node => seen(node),
            options => seen(options),
            peers => peers.map_or_else(|| seen::<[NodeView; 0]>([]), |peers| peers.seen.clone()),
            hosts => seen(hosts(spec, cloud, node)),
            interfaces => seen(interfaces(&spec.networks)),
            front_ends => self.front_ends.clone(),
            secret => Value::from_function(secret),
        })
    }
}

/// The environment of all templates; parsed once.
static ENVIRONMENT: OnceLock<Environment<'static>> = OnceLock::new();

fn environment() -> &'static Environment<'static> {
    ENVIRONMENT.get_or_init(|| {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_syntax(syntax());
        environment.set_loader(|name| {
            Ok(templates().iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned()))
        });
        environment
    })
}

#[expect(clippy::expect_used, reason = "only the delimiters can be refused, and they are the usual ones")]
fn syntax() -> SyntaxConfig {
    let mut builder = SyntaxConfig::builder();
    let whole_lines = builder.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    whole_lines.build().expect("the usual delimiters are valid")
}

fn seen<T: Serialize>(value: T) -> Value {
    Value::from(Serde(value))
}

/// A line of `/etc/hosts`.
#[derive(Serialize)]
struct HostView<'a> {
    address: &'a str,
    name: &'a str,
}

fn no_secret(purpose: &str) -> minijinja::Error {
    let reason = format!("the kind declares no secret `{purpose}`, or the deployment does not have it");
    minijinja::Error::new(ErrorKind::InvalidOperation, reason)
}

/// The node itself and the nodes of the kinds that it must know by name.
fn hosts<'a>(spec: &KindSpec, cloud: &'a CloudView, node: &'a NodeView) -> Vec<HostView<'a>> {
    let nodes_of = |kind: &KindId| cloud.nodes.get(kind).into_iter().flatten();
    let others = spec.hosts.iter().flat_map(nodes_of).filter(|other| other.name != node.name);
    let line = |node: &'a NodeView| HostView { address: &node.management_address, name: &node.name };
    std::iter::once(node).chain(others).map(line).collect()
}

/// The name of each network's interface: the first-boot network configuration names them by their order.
pub(super) fn interfaces(networks: &[Network]) -> BTreeMap<&'static str, String> {
    networks.iter().enumerate().map(|(index, network)| (network.as_str(), format!("eth{index}"))).collect()
}

/// The name of a network's interface; none when nodes of these networks have none there.
pub(crate) fn interface_name(networks: &[Network], network: Network) -> Option<String> {
    interfaces(networks).remove(network.as_str())
}

/// Everything that rendering one node needs.
struct Scene<'a> {
    release: &'a Release,
    spec: &'a KindSpec,
    node: &'a NodeView,
    context: Value,
    /// It has the lowest index of its component.
    leads: bool,
}

impl Scene<'_> {
    fn failed(&self, place: &str) -> impl FnOnce(minijinja::Error) -> RenderError {
        let (node, file) = (self.node.name.clone(), place.to_owned());
        move |source| RenderError::Template { node, file, source }
    }

    fn holds(&self, place: &str, when: Option<&String>) -> Result<bool, RenderError> {
        let Some(when) = when else { return Ok(true) };
        let judge = || environment().compile_expression(when)?.eval(&self.context);
        judge().map(|value| value.is_true()).map_err(self.failed(place))
    }

    fn packages(&self) -> Result<Vec<String>, RenderError> {
        let mut packages: Vec<String> =
            self.release.packages.iter().chain(&self.spec.packages).cloned().collect();
        for (name, package) in self.release.optional_packages.iter().chain(self.spec.optional_packages.iter())
        {
            if self.holds(name, Some(&package.when))? {
                packages.push(name.to_owned());
            }
        }
        Ok(packages)
    }

    fn files(&self) -> Result<Vec<File>, RenderError> {
        let mut files = Vec::new();
        for (path, spec) in self.release.files.iter().chain(self.spec.files.iter()) {
            if self.holds(path, spec.when.as_ref())? {
                files.push(self.file(path, spec)?);
            }
        }
        Ok(files)
    }

    fn file(&self, path: &str, spec: &FileSpec) -> Result<File, RenderError> {
        let name = environment().render_str(path, &self.context).map_err(self.failed(path))?;
        let FileSpec { template, owner, group, mode, format: _, fixed_because: _, when: _ } = spec;
        let template = self.release.template_name(template);
        let render = || environment().get_template(&template)?.render(&self.context);
        let content = render().map_err(self.failed(path))?;
        Ok(File { path: name, owner: owner.clone(), group: group.clone(), mode: mode.clone(), content })
    }

    fn override_files(&self, files: &mut [File], overrides: &Overrides) -> Result<(), RenderError> {
        for (name, sections) in overrides {
            let refuse = |reason: &str| RenderError::Override {
                node: self.node.name.clone(),
                file: name.clone(),
                reason: reason.to_owned(),
            };
            let (path, spec) =
                self.spec.find_file(self.release, name).ok_or_else(|| refuse("the node has no such file"))?;
            let file = files.iter_mut().find(|file| file.path == path);
            let file = file.ok_or_else(|| refuse("the deployment's settings leave this file out"))?;
            file.content = merge(&file.content, spec.format, sections).map_err(|reason| refuse(&reason))?;
        }
        Ok(())
    }

    fn services(&self) -> Result<Vec<Service>, RenderError> {
        let mut services = Vec::new();
        for (name, spec) in self.release.services.iter().chain(self.spec.services.iter()) {
            let ServiceSpec { restart_on, reload_on, when } = spec;
            if self.holds(name, when.as_ref())? {
                let (restart_on, reload_on) = (restart_on.clone(), reload_on.clone());
                services.push(Service { name: name.to_owned(), restart_on, reload_on });
            }
        }
        Ok(services)
    }

    fn actions(&self) -> Result<Vec<Action>, RenderError> {
        let takes_part = |spec: &ActionSpec| match spec.on {
            Members::All => true,
            Members::Leader => self.leads,
            Members::Followers => !self.leads,
        };
        let mut actions = Vec::new();
        for (name, spec) in self.spec.actions.iter().filter(|(_, spec)| takes_part(spec)) {
            if self.holds(name, spec.when.as_ref())? {
                actions.push(self.action(name, spec)?);
            }
        }
        Ok(actions)
    }

    fn action(&self, name: &str, spec: &ActionSpec) -> Result<Action, RenderError> {
        let ActionSpec { description, run, on: _, before, after, user, command, reads, when: _ } = spec;
        let command = environment().render_str(command, &self.context).map_err(self.failed(name))?;
        Ok(Action {
            name: name.to_owned(),
            description: description.clone(),
            run: *run,
            before: before.clone(),
            after: after.clone(),
            user: user.clone(),
            command,
            reads: reads.clone(),
        })
    }

    fn checks(&self) -> Result<Vec<Check>, RenderError> {
        let mut checks = Vec::new();
        for (name, spec) in self.spec.checks.iter() {
            if self.holds(name, spec.when.as_ref())? {
                checks.push(self.check(name, spec)?);
            }
        }
        Ok(checks)
    }

    fn check(&self, name: &str, spec: &CheckSpec) -> Result<Check, RenderError> {
        let CheckSpec { probe, port, path, service, command, when: _ } = spec;
        let render = |command: &String| environment().render_str(command, &self.context);
        let command = command.as_ref().map(render).transpose().map_err(self.failed(name))?;
        let address = match probe {
            Probe::Tcp | Probe::Http => Some(self.node.management_address.clone()),
            Probe::Command => None,
        };
        let (path, service) = (path.clone(), service.clone());
        Ok(Check { name: name.to_owned(), kind: *probe, address, port: *port, path, service, command })
    }
}
