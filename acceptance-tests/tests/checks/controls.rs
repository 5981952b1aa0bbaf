//! A fault for every checker: a text of a real file, and what stands there instead.

/// One fault.
pub(crate) struct Control {
    pub(crate) check: &'static str,
    pub(crate) path: &'static str,
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    /// What the checker says then: it must refuse for this reason and no other.
    pub(crate) says: &'static str,
}

const fn control(
    check: &'static str,
    path: &'static str,
    change: [&'static str; 2],
    says: &'static str,
) -> Control {
    Control { check, path, from: change[0], to: change[1], says }
}

const OSLO: &str = "oslo-config-validator";

/// At least one for each checker; one for each file of the checkers of OpenStack's files.
pub(crate) const CONTROLS: [Control; 56] = [
    control("apache2ctl", "/check/actions/dashboard_sites", [" default-ssl", ""], "SSLEngine"),
    control("certificates as Python reads them", "/etc/vio/vcenter-ca.pem", ["BEGIN", "BEGUN"], "ssl"),
    control("certificates as Python reads them", "/etc/vio/nsx-ca.pem", ["BEGIN", "BEGUN"], "ssl"),
    control("chronyd", "/etc/chrony/chrony.conf", ["iburst", "ibust"], "Could not parse"),
    control(
        "cloud-init schema",
        "/check/user-data",
        ["\"manage_etc_hosts\":false", "\"manage_etc_hosts\":7"],
        "manage_etc_hosts",
    ),
    control(
        "cloud-init's data source",
        "/check/meta-data",
        ["local-hostname", "local-hostnam"],
        "local-hostname",
    ),
    control("cloud-init's data source", "/check/meta-data", ["\"version\":2", "\"version\":7"], "version"),
    control(
        "console proxies that there are",
        "/etc/default/nova-consoleproxy",
        ["novnc", "nonvc"],
        "no nova-nonvcproxy",
    ),
    control("Debian's packages", "/check/packages", ["chrony", "crony"], "crony"),
    control(
        "Django",
        "/etc/openstack-dashboard/local_settings.d/_99_vio.py",
        ["SESSION_TIMEOUT", "SESSION_TIMEOUTS"],
        "nothing reads SESSION_TIMEOUTS",
    ),
    control(
        "Django",
        "/etc/openstack-dashboard/local_settings.d/_99_vio.py",
        ["DEBUG = False", "DEBUG = false"],
        "false",
    ),
    control(
        "drivers of Glance's stores",
        "/usr/lib/python3/dist-packages/vio_glance_store-1.dist-info/entry_points.txt",
        [":Store", ":Stores"],
        "Stores",
    ),
    control("Erlang's cookie", "/var/lib/rabbitmq/.erlang.cookie", ["", "\t"], "Bad characters in cookie"),
    control("Galera's election", "/etc/vio/galera-members", [" self", ""], "the list says []"),
    control(
        "haproxy",
        "/etc/haproxy/haproxy.cfg",
        ["balance roundrobin", "balance roundrobbin"],
        "balance only supports",
    ),
    control("haproxy", "/etc/haproxy/public.pem", ["BEGIN PRIVATE", "BEGUN PRIVATE"], "public.pem"),
    control("JSON", "/etc/vio/catalogue.json", ["\"region\":", "\"region\""], "delimiter"),
    control("keepalived", "/etc/keepalived/keepalived.conf", ["advert_int", "advert_int_s"], "advert_int_s"),
    control("Keystone's key repositories", "/etc/keystone/fernet-keys/0", ["=", ""], "keystone"),
    control("Keystone's key repositories", "/etc/keystone/credential-keys/1", ["=", ""], "keystone"),
    control("mariadb", "/etc/vio/databases.sql", ["ALL PRIVILEGES", "ALL PRIVILEGE"], "PRIVILEGE"),
    control(
        "mariadbd",
        "/etc/mysql/mariadb.conf.d/60-galera.cnf",
        ["max_connections", "max_conections"],
        "max_conections",
    ),
    control("memcached", "/etc/memcached.conf", ["-t 4", "-j 4"], "invalid option"),
    control("names of the hosts file", "/etc/hosts", ["127.0.0.1 ", "127.0.0.256 "], "localhost is not"),
    control("Python", "/usr/local/lib/vio/vio-agent.py", ["import json", "import jason"], "jason"),
    control("Python", "/usr/local/sbin/vio-catalogue", ["def login(", "def login"], "SyntaxError"),
    control(
        "RabbitMQ's plugins",
        "/etc/rabbitmq/enabled_plugins",
        ["rabbitmq_management", "rabbitmq_managment"],
        "rabbitmq_managment",
    ),
    control("RabbitMQ's schema", "/etc/rabbitmq/rabbitmq.conf", ["heartbeat", "hartbeat"], "hartbeat"),
    control("rsync", "/etc/rsyncd.conf", ["read only", "reed only"], "reed only"),
    control(
        "rsyslogd",
        "/etc/rsyslog.d/60-vio.conf",
        ["$ActionQueueType", "$ActionQueueTyp"],
        "ActionQueueTyp",
    ),
    control("shell", "/usr/local/sbin/vio-bridges", ["set -e", "if true"], "expecting"),
    control("shell", "/check/actions/processes", ["done", "don"], "expecting"),
    control("Swift", "/etc/swift/rings.json", ["\"part_power\": ", "\"part_power\": -"], "part"),
    control("Swift", "/etc/swift/object-server.conf", ["mount_check", "mount_chek"], "mount_chek"),
    control("Swift", "/etc/swift/proxy-server.conf", ["pipeline = ", "pipeline = nothing "], "nothing"),
    control("ssh-keygen", "/etc/ssh/vio_host_key", ["BEGIN", "BEGUN"], "vio_host_key"),
    control("sysctl", "/etc/sysctl.d/60-vio.conf", ["nonlocal_bind", "nonlocal_bond"], "nonlocal_bond"),
    control(
        "systemd-analyze",
        "/etc/systemd/system/mariadb.service.d/60-vio.conf",
        ["RestartSec", "RestartSecs"],
        "RestartSecs",
    ),
    control(
        "systemd-analyze",
        "/etc/systemd/system/vio-agent.service",
        ["/usr/bin/python3", "/usr/bin/python4"],
        "python4",
    ),
    control("systemd-analyze", "/check/units", ["chrony", "crony"], "crony"),
    control("users that there are", "/check/users", ["keystone", "keystoned"], "no keystoned"),
    control("visudo", "/etc/sudoers.d/vio-nsx", ["ALL=", "ALL"], "syntax error"),
    control(
        "uwsgi's files after sed",
        "/etc/vio/uwsgi.sed",
        ["s/^processes", "s/^prozesses"],
        "has no processes",
    ),
    control(
        "uwsgi's files after sed",
        "/etc/vio/uwsgi.sed",
        ["nsocket-timeout", "n# socket-timeout"],
        "has another socket-timeout",
    ),
    control(OSLO, "/etc/cinder/cinder.conf", ["my_ip", "my_ipp"], "DEFAULT/my_ipp"),
    control(OSLO, "/etc/glance/glance-api.conf", ["default_backend", "default_backends"], "default_backends"),
    control(OSLO, "/etc/keystone/domains/keystone.ldap.conf", ["user_tree_dn", "user_tree"], "user_tree"),
    control(OSLO, "/etc/keystone/keystone.conf", ["expiration = ", "expiration = x"], "is no integer"),
    control(
        OSLO,
        "/etc/neutron/neutron.conf",
        ["project_domain_name", "project_domain"],
        "project_domain is no option",
    ),
    control(OSLO, "/etc/neutron/dhcp_agent.ini", ["interface_driver", "interface_diver"], "interface_diver"),
    control(OSLO, "/etc/nova/nova.conf", ["valid_interfaces", "valid_interface"], "valid_interface is"),
    control(OSLO, "/etc/nova/nova-compute.conf", ["compute_driver", "compute_diver"], "compute_diver"),
    control(
        OSLO,
        "/etc/neutron/metadata_agent.ini",
        ["nova_metadata_host", "nova_metadata_ip"],
        "nova_metadata_ip",
    ),
    control(
        OSLO,
        "/etc/neutron/plugins/ml2/ml2_conf.ini",
        ["vni_ranges", "vni_range"],
        "vni_range is no option",
    ),
    control(
        OSLO,
        "/etc/neutron/plugins/ml2/openvswitch_agent.ini",
        ["bridge_mappings", "bridge_maps"],
        "bridge_maps",
    ),
    control(OSLO, "/etc/placement/placement.conf", ["auth_strategy = ", "auth_strategy = no"], "is none of"),
];
