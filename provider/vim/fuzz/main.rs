//! What a server, or whoever poses as one, can do to the client by its answers: at most make a call fail.

#![expect(clippy::panic, reason = "every function here is part of a test")]

use std::path::Path;

use vim::proto::{self, El, Refusal};
use vim::{AntiAffinityRule, Device, DeviceChange, MoRef, PropertyValue, VmConfigSpec};

/// Within a second or two, built for development.
const CASES: u32 = 20_000;

#[test]
fn answers() {
    fuzzing::check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/answers"), CASES, law);
}

fn law(bytes: &[u8]) {
    let Ok(root) = proto::parse_xml(bytes) else {
        assert!(matches!(proto::parse_response("Any", bytes), Err(Refusal::Malformed(_))));
        return;
    };
    // An element takes at least four bytes.
    assert!(elements(&root) <= bytes.len() / 4);
    for method in
        ["RetrievePropertiesEx", "WaitForUpdatesEx", "RetrieveServiceContent", "CloneVM_Task", "Login"]
    {
        match proto::parse_response(method, bytes) {
            Ok(response) => judge_response(&response),
            Err(Refusal::Fault(fault)) => assert!(!fault.to_string().is_empty()),
            Err(Refusal::Malformed(why)) => assert!(!why.is_empty()),
        }
    }
    if let Ok(page) = proto::parse_retrieved("RetrievePropertiesEx", bytes) {
        assert!(page.objects.len() <= elements(&root));
    }
    // Whatever the element is, it may be taken for any of these.
    each(&root, &mut |el| {
        let value = PropertyValue::new(el.clone());
        let _ =
            (value.str(), value.i64(), value.bool(), value.moref(), value.morefs(), value.option_values());
        let _ = AntiAffinityRule::parse_all(&value);
        Device::parse_all(&value).iter().for_each(goes_back_as_it_came);
    });
}

fn judge_response(response: &El) {
    if let Ok(Some(updates)) = proto::parse_update_set(response) {
        assert!(updates.objects.len() <= elements(response));
    }
    let _ = proto::parse_service_content(response);
}

/// A disk that is sent back with another size is the same disk to whoever reads it.
fn goes_back_as_it_came(device: &Device) {
    if !device.is_disk() {
        return;
    }
    let grow = DeviceChange::GrowDisk { device: device.clone(), capacity_bytes: 1 << 30 };
    let spec = VmConfigSpec { device_changes: vec![grow], ..VmConfigSpec::default() };
    let request = proto::reconfigure_vm(&MoRef::new("VirtualMachine", "vm-1"), &spec);
    let body = match proto::parse_xml(request.body.as_bytes()) {
        Ok(body) => body,
        Err(why) => panic!("{why}: {}", request.body),
    };
    let sent = body.at(&["spec", "deviceChange", "device"]).and_then(Device::parse);
    let told =
        |device: &Device| (device.key, device.kind.clone(), device.label.clone(), device.file_name.clone());
    assert_eq!(sent.as_ref().map(told), Some(told(device)));
}

fn elements(el: &El) -> usize {
    1 + el.children.iter().map(elements).sum::<usize>()
}

fn each(el: &El, see: &mut impl FnMut(&El)) {
    see(el);
    for child in &el.children {
        each(child, see);
    }
}
