//! What is waited for and what is known of it. No I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::{oneshot, watch};

use crate::client::Session;
use crate::error::Error;
use crate::fault::{Fault, FaultKind};
use crate::mo_ref::MoRef;
use crate::property::PropertyValue;
use crate::proto::{ObjectUpdate, UpdateKind};

/// What is read of a task: enough to tell its end. Progress is left out, since each step of it would be an update.
pub(super) const TASK_PATHS: [&str; 5] =
    ["info.state", "info.error", "info.result", "info.descriptionId", "info.entity"];

type Props = BTreeMap<String, PropertyValue>;
type Outcome = Result<Option<MoRef>, Error>;

/// What the watchers of a VM see: nothing yet, its values, or why there will be no more.
pub(super) type Shown = Option<Result<Arc<Props>, Error>>;

/// The objects that the server keeps for the watch. They live in one session and die with it.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    pub(super) session: Arc<Session>,
    pub(super) collector: MoRef,
    pub(super) view: MoRef,
    /// The version to wait from.
    pub(super) version: String,
}

/// What must be told to the server and read before waiting goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sync {
    pub(super) wanted: Vec<MoRef>,
    pub(super) add: Vec<MoRef>,
    pub(super) remove: Vec<MoRef>,
}

#[derive(Default)]
struct TaskEntry {
    props: Props,
    waiters: Vec<oneshot::Sender<Outcome>>,
}

struct VmEntry {
    props: Arc<Props>,
    sender: watch::Sender<Shown>,
}

/// All that is waited for.
#[derive(Default)]
pub(super) struct State {
    tasks: BTreeMap<MoRef, TaskEntry>,
    vms: BTreeMap<MoRef, VmEntry>,
    /// What is read of VMs.
    vm_paths: Vec<String>,
    /// What the list view on the server holds.
    listed: BTreeSet<MoRef>,
    /// Updates may have been lost: read before waiting.
    unread: bool,
    pub(super) bound: Option<Bound>,
    /// The client logs out.
    pub(super) closing: bool,
}

impl State {
    pub(super) fn new(vm_paths: Vec<String>) -> Self {
        Self { vm_paths, ..Self::default() }
    }

    /// The server tells everything of what it lists anew. What it lists still, from an earlier wait, it tells nothing of:
    /// that is read.
    pub(super) fn add_task(&mut self, task: &MoRef) -> oneshot::Receiver<Outcome> {
        let (sender, receiver) = oneshot::channel();
        self.unread |= !self.tasks.contains_key(task) && self.listed.contains(task);
        self.tasks.entry(task.clone()).or_default().waiters.push(sender);
        receiver
    }

    pub(super) fn add_vm(&mut self, vm: &MoRef) -> watch::Receiver<Shown> {
        self.unread |= !self.vms.contains_key(vm) && self.listed.contains(vm);
        let fresh = || VmEntry { props: Arc::default(), sender: watch::Sender::new(None) };
        self.vms.entry(vm.clone()).or_insert_with(fresh).sender.subscribe()
    }

    /// Forgets what nobody waits for any more.
    fn sweep(&mut self) {
        self.tasks.retain(|_, task| task.waiters.iter().any(|waiter| !waiter.is_closed()));
        self.vms.retain(|_, vm| vm.sender.receiver_count() > 0);
    }

    pub(super) fn is_idle(&mut self) -> bool {
        self.sweep();
        self.tasks.is_empty() && self.vms.is_empty()
    }

    /// How many tasks and VMs are waited for.
    pub(super) fn waited_for(&mut self) -> u32 {
        self.sweep();
        u32::try_from(self.tasks.len() + self.vms.len()).unwrap_or(u32::MAX)
    }

    fn wanted(&self) -> BTreeSet<MoRef> {
        self.tasks.keys().chain(self.vms.keys()).cloned().collect()
    }

    /// What to do before waiting, if anything: something new is wanted, or updates may be lost. Removals alone are no
    /// reason for a call; they go along with the next addition.
    pub(super) fn next_sync(&mut self) -> Option<Sync> {
        if self.is_idle() {
            return None;
        }
        let wanted = self.wanted();
        let add: Vec<_> = wanted.difference(&self.listed).cloned().collect();
        if add.is_empty() && !self.unread && self.bound.is_some() {
            return None;
        }
        let remove = self.listed.difference(&wanted).cloned().collect();
        Some(Sync { wanted: wanted.into_iter().collect(), add, remove })
    }

    /// The server's list view holds exactly these now.
    pub(super) fn list_is(&mut self, objects: &[MoRef]) {
        self.listed = objects.iter().cloned().collect();
    }

    /// True when what is wanted must be read before waiting.
    pub(super) fn is_unread(&self) -> bool {
        self.unread
    }

    /// Everything was read.
    pub(super) fn all_read(&mut self) {
        self.unread = false;
    }

    /// Updates may have been lost.
    pub(super) fn must_read(&mut self) {
        self.unread = true;
    }

    /// Forgets the server's objects: they are dead, or may hold a wait that nobody hears.
    pub(super) fn unbind(&mut self) -> Option<Bound> {
        self.listed.clear();
        self.unread = true;
        self.bound.take()
    }

    /// An object was read whole. An update that is older than the reading may still be under way and show for a moment; the
    /// server sends the newer one after it.
    pub(super) fn read(&mut self, object: &MoRef, props: Props) {
        if let Some(task) = self.tasks.get_mut(object) {
            task.props = props;
            self.finish_if_done(object);
        } else if let Some(vm) = self.vms.get_mut(object) {
            vm.show(props);
        }
    }

    /// An update came.
    pub(super) fn update(&mut self, update: ObjectUpdate) {
        let ObjectUpdate { obj, kind, changes } = update;
        if kind == UpdateKind::Leave {
            // It left because it was destroyed, or because nobody wanted it for a moment: a reading tells which.
            self.unread |= self.tasks.contains_key(&obj) || self.vms.contains_key(&obj);
        } else if let Some(task) = self.tasks.get_mut(&obj) {
            self.unread |= !change(&mut task.props, changes, |path| TASK_PATHS.contains(&path));
            self.finish_if_done(&obj);
        } else if let Some(vm) = self.vms.get_mut(&obj) {
            let mut props = vm.props.as_ref().clone();
            self.unread |=
                !change(&mut props, changes, |path| self.vm_paths.iter().any(|asked| asked == path));
            vm.show(props);
        }
    }

    /// An object does not exist any more.
    pub(super) fn gone(&mut self, object: &MoRef) {
        let fault = Fault::new(FaultKind::ManagedObjectNotFound { object: Some(object.clone()) }, "");
        let error = Error::Fault {
            operation: "waiting".to_owned(),
            object: object.to_string(),
            fault: Box::new(fault),
        };
        self.end(object, &error);
    }

    /// Ends every wait.
    pub(super) fn end_all(&mut self, error: impl Fn(&MoRef) -> Error) {
        for object in self.wanted() {
            self.end(&object, &error(&object));
        }
    }

    fn end(&mut self, object: &MoRef, error: &Error) {
        if let Some(task) = self.tasks.remove(object) {
            task.answer(&Err(error.clone()));
        }
        if let Some(vm) = self.vms.remove(object) {
            vm.sender.send_replace(Some(Err(error.clone())));
        }
    }

    fn finish_if_done(&mut self, task: &MoRef) {
        let outcome = self.tasks.get(task).and_then(|entry| outcome(task, &entry.props));
        if let Some(outcome) = outcome
            && let Some(entry) = self.tasks.remove(task)
        {
            entry.answer(&outcome);
        }
    }
}

impl TaskEntry {
    fn answer(self, outcome: &Outcome) {
        for waiter in self.waiters {
            // A waiter that has gone away wants no answer.
            let _ = waiter.send(outcome.clone());
        }
    }
}

impl VmEntry {
    fn show(&mut self, props: Props) {
        let first = self.sender.borrow().is_none();
        if first || *self.props != props {
            self.props = Arc::new(props);
            self.sender.send_replace(Some(Ok(self.props.clone())));
        }
    }
}

/// Applies changes of whole properties; says whether that was all. A server may announce a part of a property instead
/// (`config.extraConfig["a"].value`): that is left to a new reading.
fn change(
    props: &mut Props,
    changes: BTreeMap<String, Option<PropertyValue>>,
    is_asked: impl Fn(&str) -> bool,
) -> bool {
    let mut all = true;
    for (path, value) in changes {
        match value {
            _ if !is_asked(&path) => all = false,
            Some(value) => drop(props.insert(path, value)),
            None => drop(props.remove(&path)),
        }
    }
    all
}

/// How a task ended, if it has.
fn outcome(task: &MoRef, props: &Props) -> Option<Outcome> {
    match props.get("info.state")?.str() {
        "success" => Some(Ok(props.get("info.result").and_then(PropertyValue::moref))),
        "error" => {
            let fault = match props.get("info.error") {
                Some(error) => Fault::from_localized(error.element()),
                None => Fault::new(FaultKind::Other("UnknownFault".to_owned()), "the task gives no reason"),
            };
            let description = props.get("info.descriptionId").map(|id| id.str().to_owned());
            let entity = props.get("info.entity").and_then(PropertyValue::moref);
            Some(Err(Error::Fault {
                operation: description.unwrap_or_else(|| "the task".to_owned()),
                object: entity.as_ref().unwrap_or(task).to_string(),
                fault: Box::new(fault),
            }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{El, parse_xml};

    const STATUS: &str = "config.extraConfig[\"s\"]";

    fn state() -> State {
        State::new(vec!["runtime.powerState".to_owned(), STATUS.to_owned()])
    }

    fn task(n: u32) -> MoRef {
        MoRef::new("Task", format!("task-{n}"))
    }

    fn vm() -> MoRef {
        MoRef::new("VirtualMachine", "vm-1")
    }

    fn props(pairs: &[(&str, &str)]) -> Props {
        pairs.iter().map(|(path, text)| ((*path).to_owned(), PropertyValue::from_text(*text))).collect()
    }

    fn modify(obj: MoRef, pairs: &[(&str, &str)]) -> ObjectUpdate {
        let changes = props(pairs).into_iter().map(|(path, value)| (path, Some(value))).collect();
        ObjectUpdate { obj, kind: UpdateKind::Modify, changes }
    }

    /// As if the server had been told and asked everything.
    fn settle(state: &mut State) {
        let session = Arc::new(Session::for_test());
        let (collector, view) = (MoRef::new("PropertyCollector", "pc"), MoRef::new("ListView", "lv"));
        state.bound = Some(Bound { session, collector, view, version: String::new() });
        while let Some(sync) = state.next_sync() {
            state.list_is(&sync.wanted);
            state.all_read();
        }
    }

    #[test]
    fn additions_are_batched_and_removals_wait_for_them() {
        let mut state = state();
        let first = state.add_task(&task(1));
        settle(&mut state);
        assert_eq!(state.next_sync(), None);
        drop(first);
        let _more = (state.add_task(&task(2)), state.add_task(&task(3)));
        let sync = state.next_sync().unwrap();
        assert_eq!((sync.add, sync.remove), (vec![task(2), task(3)], vec![task(1)]));
    }

    #[test]
    fn a_removal_alone_makes_no_call() {
        let mut state = state();
        let (first, _second) = (state.add_task(&task(1)), state.add_task(&task(2)));
        settle(&mut state);
        drop(first);
        assert_eq!(state.next_sync(), None);
    }

    #[test]
    fn nobody_waiting_is_idle() {
        let mut state = state();
        let (waiter, watcher) = (state.add_task(&task(1)), state.add_vm(&vm()));
        assert!(!state.is_idle());
        drop(waiter);
        assert!(!state.is_idle());
        drop(watcher);
        assert!(state.is_idle());
        assert_eq!(state.next_sync(), None);
    }

    #[test]
    fn a_finished_task_answers_all_its_waiters_with_the_result() {
        let mut state = state();
        let mut waiters = [state.add_task(&task(1)), state.add_task(&task(1))];
        state.read(&task(1), props(&[("info.state", "running")]));
        assert!(waiters[0].try_recv().is_err());
        let result = El { moref_type: Some("VirtualMachine".into()), text: "vm-1".into(), ..El::default() };
        let mut done = modify(task(1), &[("info.state", "success")]);
        done.changes.insert("info.result".into(), Some(PropertyValue::new(result)));
        state.update(done);
        for waiter in &mut waiters {
            assert_eq!(waiter.try_recv().unwrap().unwrap(), Some(vm()));
        }
        assert!(state.is_idle());
    }

    #[test]
    fn a_failed_task_answers_with_its_fault_and_names_its_work() {
        let mut state = state();
        let mut waiter = state.add_task(&task(1));
        let error = parse_xml(
            br#"<val x:type="LocalizedMethodFault"><fault x:type="NoDiskSpace"><datastore>ds</datastore></fault><localizedMessage>full</localizedMessage></val>"#,
        );
        let mut read = props(&[("info.state", "error"), ("info.descriptionId", "VirtualMachine.clone")]);
        read.insert("info.error".into(), PropertyValue::new(error.unwrap()));
        state.read(&task(1), read);
        let error = waiter.try_recv().unwrap().unwrap_err();
        assert_eq!(error.fault(), Some(&FaultKind::NoDiskSpace));
        assert_eq!(error.to_string(), "VirtualMachine.clone on Task:task-1 failed");
    }

    #[test]
    fn a_task_waited_for_again_is_read_again() {
        let mut state = state();
        let waiter = state.add_task(&task(1));
        settle(&mut state);
        drop(waiter);
        assert!(state.is_idle());
        let _again = state.add_task(&task(1));
        assert_eq!(state.next_sync().unwrap().add, []);
    }

    #[test]
    fn watchers_see_changes_only() {
        let mut state = state();
        let mut watcher = state.add_vm(&vm());
        state.read(&vm(), props(&[("runtime.powerState", "poweredOff")]));
        assert!(watcher.has_changed().unwrap());
        watcher.mark_unchanged();
        state.read(&vm(), props(&[("runtime.powerState", "poweredOff")]));
        assert!(!watcher.has_changed().unwrap());
        state.update(modify(vm(), &[(STATUS, "ready")]));
        let Some(Ok(shown)) = watcher.borrow_and_update().clone() else { panic!("no values") };
        assert_eq!((shown["runtime.powerState"].str(), shown[STATUS].str()), ("poweredOff", "ready"));
    }

    #[test]
    fn a_vm_without_any_value_is_shown_once_read() {
        let mut state = state();
        let watcher = state.add_vm(&vm());
        state.read(&vm(), Props::new());
        assert!(matches!(&*watcher.borrow(), Some(Ok(values)) if values.is_empty()));
    }

    #[test]
    fn an_update_of_a_part_of_a_property_asks_for_a_reading() {
        let mut state = state();
        let _watcher = state.add_vm(&vm());
        settle(&mut state);
        state.update(modify(vm(), &[("config.extraConfig[\"s\"].value", "ready")]));
        assert!(state.next_sync().is_some());
    }

    fn leave(object: MoRef) -> ObjectUpdate {
        ObjectUpdate { obj: object, kind: UpdateKind::Leave, changes: BTreeMap::new() }
    }

    #[test]
    fn a_vm_that_leaves_the_view_is_read() {
        let mut state = state();
        let watcher = state.add_vm(&vm());
        settle(&mut state);
        state.update(leave(vm()));
        assert_eq!(state.next_sync().unwrap().wanted, [vm()]);
        assert!(watcher.borrow().as_ref().is_none_or(Result::is_ok), "it may be there still");
    }

    #[test]
    fn a_vm_that_is_wanted_again_before_the_server_tells_that_it_left_is_watched_on() {
        let mut state = state();
        drop(state.add_vm(&vm()));
        let _waiter = state.add_task(&task(1));
        settle(&mut state);
        let watcher = state.add_vm(&vm());
        state.update(leave(vm()));
        state.read(&vm(), Props::new());
        assert!(matches!(&*watcher.borrow(), Some(Ok(_))));
    }

    #[test]
    fn a_destroyed_vm_ends_its_watch() {
        let mut state = state();
        let watcher = state.add_vm(&vm());
        state.gone(&vm());
        assert!(matches!(&*watcher.borrow(), Some(Err(error)) if error.is_not_found()));
        assert!(state.is_idle());
    }

    #[test]
    fn a_lost_session_means_to_list_and_read_everything_anew() {
        let mut state = state();
        let _waiter = state.add_task(&task(1));
        settle(&mut state);
        assert!(state.unbind().is_some());
        assert_eq!(state.next_sync().unwrap().add, [task(1)]);
    }

    #[test]
    fn the_end_of_the_watch_is_told_to_everybody() {
        let mut state = state();
        let (mut waiter, watcher) = (state.add_task(&task(1)), state.add_vm(&vm()));
        state.end_all(|object| Error::LoggedOut(object.to_string()));
        assert!(matches!(waiter.try_recv().unwrap(), Err(Error::LoggedOut(_))));
        assert!(matches!(&*watcher.borrow(), Some(Err(Error::LoggedOut(_)))));
    }
}
