//! Which checker judges which files.

use crate::oslo;

/// A checker and the files that it judges.
pub(crate) struct Check {
    pub(crate) name: &'static str,
    /// Paths; one that ends in `/` stands for all below it.
    pub(crate) covers: Vec<&'static str>,
    /// Runs in the sandbox with the node's covered files as its arguments; fails, with a reason, where it refuses.
    pub(crate) script: String,
}

impl Check {
    pub(crate) fn covers(&self, path: &str) -> bool {
        self.covers
            .iter()
            .any(|covered| path == *covered || (covered.ends_with('/') && path.starts_with(covered)))
    }
}

/// Files that no checker judges, and why.
pub(crate) const UNCHECKED: [(&str, &str); 4] = [
    ("/etc/keystone/admin-password", "any text is a password"),
    ("/etc/ssh/sshd_config.d/60-vio.conf", "the root has no OpenSSH server, which only nodes under NSX need"),
    ("/etc/vio/nsx-login", "any name and text are a login"),
    ("/usr/lib/python3/dist-packages/vio_glance_store-1.dist-info/METADATA", "a name and a version"),
];

const CHECKS: [(&str, &[&str], &str); 32] = [
    (
        "apache2ctl",
        &["/check/actions/dashboard_sites"],
        "sh /check/actions/dashboard_sites; apache2ctl -t",
    ),
    (
        "certificates as Python reads them",
        &["/etc/vio/vcenter-ca.pem", "/etc/vio/nsx-ca.pem", "/etc/vio/ldap-ca.pem"],
        "exec python3 -c 'import ssl, sys; [ssl.create_default_context(cafile=file) for file in sys.argv[1:]]' \"$@\"",
    ),
    ("chronyd", &["/etc/chrony/chrony.conf"], "exec chronyd -p -f \"$1\""),
    ("cloud-init schema", &["/check/user-data"], "exec cloud-init schema --config-file \"$1\""),
    ("cloud-init's data source", &["/check/meta-data"], "exec python3 -W ignore /check/tools/cloud_metadata.py"),
    (
        "console proxies that there are",
        &["/etc/default/nova-consoleproxy"],
        ". \"$1\"; command -v nova-${NOVA_CONSOLE_PROXY_TYPE}proxy || { echo \"there is no nova-${NOVA_CONSOLE_PROXY_TYPE}proxy\"; exit 1; }",
    ),
    (
        "Debian's packages",
        &["/check/packages"],
        // OpenSSH's server, which only nodes under NSX need, is not in the root.
        "for package in $(grep -vx openssh-server \"$1\"); do dpkg-query -W -f '${db:Status-Status} ${Package}\\n' $package | grep '^installed' ; done",
    ),
    (
        "Django",
        &["/etc/openstack-dashboard/local_settings.d/_99_vio.py"],
        // The dashboard logs a file of settings that it cannot read, and goes on without.
        "python3 /check/tools/dashboard_settings.py \"$1\"
         cd /usr/share/openstack-dashboard
         as_apache='setpriv --reuid www-data --regid www-data --init-groups'
         $as_apache python3 -W ignore manage.py check >/run/said 2>&1 || { cat /run/said; exit 1; }
         cat /run/said; ! grep -q ERROR /run/said",
    ),
    (
        "Erlang's cookie",
        &["/var/lib/rabbitmq/.erlang.cookie"],
        "export HOME=/var/lib/rabbitmq
         exec setpriv --reuid rabbitmq --regid rabbitmq --clear-groups erl -noshell -sname check -eval '
           {ok, Text} = file:read_file(\"/var/lib/rabbitmq/.erlang.cookie\"), Cookie = binary_to_list(Text),
           Cookie = atom_to_list(erlang:get_cookie()), halt(0).'",
    ),
    (
        "drivers of Glance's stores",
        &["/usr/lib/python3/dist-packages/vio_glance_store-1.dist-info/entry_points.txt"],
        "exec python3 -c 'import stevedore
store = stevedore.DriverManager(\"glance_store.drivers\", \"vsphere\").driver
assert store.__module__ == \"vio_glance_store\", store'",
    ),
    ("Galera's election", &["/etc/vio/galera-members"], "exec python3 /check/tools/galera_members.py"),
    ("haproxy", &["/etc/haproxy/"], "exec haproxy -c -dW -f /etc/haproxy/haproxy.cfg"),
    ("JSON", &["/etc/vio/catalogue.json"], "exec python3 -m json.tool \"$1\""),
    (
        "keepalived",
        &["/etc/keepalived/keepalived.conf"],
        "exec keepalived --config-test --use-file=\"$1\"",
    ),
    (
        "Keystone's key repositories",
        &["/etc/keystone/fernet-keys/", "/etc/keystone/credential-keys/"],
        "sh /check/actions/keystone_keys
         exec setpriv --reuid keystone --regid keystone --init-groups python3 /check/tools/keystone_keys.py",
    ),
    (
        "mariadb",
        &["/etc/vio/databases.sql"],
        // Twice: an action may be repeated.
        "mkdir /run/mysqld && chown mysql /run/mysqld
         mariadbd --no-defaults --user=mysql --skip-networking --datadir=/var/lib/mysql --socket=/run/mysqld/mysqld.sock 2>/run/log &
         for attempt in $(seq 200); do mariadb-admin --silent ping >/dev/null 2>&1 && break; sleep 0.1; done
         mariadb <\"$1\"
         mariadb <\"$1\"",
    ),
    (
        "mariadbd",
        &["/etc/mysql/mariadb.conf.d/60-galera.cnf"],
        "exec mariadbd --user=mysql --wsrep-on=0 --help --verbose >/dev/null",
    ),
    (
        "memcached",
        &["/etc/memcached.conf"],
        // It has no dry run: one second of service is its yes.
        "status=0; timeout 1 /usr/share/memcached/scripts/systemd-memcached-wrapper \"$1\" || status=$?; [ $status = 124 ]",
    ),
    (
        "names of the hosts file",
        &["/etc/hosts"],
        "while read -r address names; do for name in $names; do
           getent -s files ahosts $name | grep -qF \"$address \" || { echo \"$name is not $address\"; exit 1; }
         done; done <\"$1\"",
    ),
    (
        "Python",
        &[
            "/usr/local/lib/vio/galera-election.py",
            "/usr/local/lib/vio/vio-agent.py",
            "/usr/local/sbin/vio-availability-zone",
            "/usr/lib/python3/dist-packages/vio_glance_store.py",
            "/usr/local/sbin/vio-catalogue",
            "/usr/local/sbin/vio-domain",
            "/usr/local/sbin/vio-rings",
        ],
        "exec python3 /check/tools/python_programs.py \"$@\"",
    ),
    (
        "RabbitMQ's plugins",
        &["/etc/rabbitmq/enabled_plugins"],
        "rabbitmq-plugins list --enabled --minimal | tee /run/plugins
         ! grep -i missing /run/plugins",
    ),
    (
        "RabbitMQ's schema",
        &["/etc/rabbitmq/rabbitmq.conf"],
        "plugins=$(echo /usr/lib/rabbitmq/lib/rabbitmq_server-*/plugins)
         mkdir /run/schema && cp $plugins/*/priv/schema/*.schema /run/schema
         exec erl -noshell -pa $plugins/*/ebin -eval \"application:load(cuttlefish),
           Schema = cuttlefish_schema:files(filelib:wildcard(\\\"/run/schema/*.schema\\\")),
           case cuttlefish_generator:map(Schema, cuttlefish_conf:files([\\\"$1\\\"])) of
             {error, _, _} = Error -> io:format(\\\"~p~n\\\", [Error]), halt(1);
             _ -> halt(0)
           end.\"",
    ),
    (
        "rsync",
        &["/etc/rsyncd.conf"],
        "mkdir -p /srv/node
         address=$(sed -n 's/^address = //p' \"$1\")
         rsync --daemon --no-detach --config=\"$1\" --log-file=/run/rsync.log 2>/run/rsync.err &
         for module in account container object; do
           for attempt in $(seq 50); do rsync rsync://$address/$module/ && continue 2; sleep 0.1; done
           cat /run/rsync.log; exit 1
         done
         ! grep -ihE 'unknown|invalid' /run/rsync.log /run/rsync.err",
    ),
    (
        "rsyslogd",
        &["/etc/rsyslog.d/60-vio.conf"],
        "exec rsyslogd -N1",
    ),
    (
        "shell",
        &["/check/actions/", "/check/checks/", "/usr/local/sbin/vio-bridges"],
        "for file; do sh -n \"$file\"; done",
    ),
    (
        "Swift",
        &["/etc/swift/"],
        "vio-rings
         exec python3 /check/tools/swift_servers.py \
           /etc/swift/account-server.conf /etc/swift/container-server.conf /etc/swift/object-server.conf /etc/swift/proxy-server.conf \
           /etc/swift/swift.conf",
    ),
    ("ssh-keygen", &["/etc/ssh/vio_host_key"], "exec ssh-keygen -y -f \"$1\""),
    ("sysctl", &["/etc/sysctl.d/60-vio.conf", "/etc/sysctl.d/50-vio-connections.conf"], "exec sysctl --load \"$@\""),
    (
        "systemd-analyze",
        &["/etc/systemd/system/", "/check/units"],
        // It warns of what it does not know, and succeeds.
        "for file; do
           case $file in
             # OpenSSH's server, which only nodes under NSX need, is not in the root.
             /check/units) units=$(sed '/^ssh$/d; s/$/.service/' $file) ;;
             *.d/*) units=$(basename ${file%/*} .d) ;;
             *) units=$(basename $file) ;;
           esac
           for unit in $units; do
             systemd-analyze verify --man=no --recursive-errors=no $unit 2>&1 | tee -a /run/said
           done
         done
         ! [ -s /run/said ]",
    ),
    (
        "users that there are",
        &["/check/users"],
        "for name in $(cat \"$1\"); do getent passwd $name >/dev/null || { echo \"there is no $name\"; exit 1; }; done",
    ),
    ("visudo", &["/etc/sudoers.d/vio-nsx"], "exec visudo --check --strict --file=\"$1\""),
    (
        "uwsgi's files after sed",
        &["/etc/vio/uwsgi.sed"],
        "sh /check/actions/processes
         wanted=$(sed -nE 's/.*(processes = [0-9]+).*/\\1/p' \"$1\")
         for file in /etc/keystone/*-uwsgi.ini /etc/placement/*-uwsgi.ini /etc/n*/*-uwsgi.ini /etc/cinder/*-uwsgi.ini; do
           grep -qx \"$wanted\" $file || { echo \"$file has no $wanted\"; exit 1; }
           [ \"$(grep '^socket-timeout' $file | uniq)\" = 'socket-timeout = 60' ] || { echo \"$file has another socket-timeout\"; exit 1; }
         done
         threads=$(sed -nE 's/^threads *= *//p' /etc/nova/*-uwsgi.ini | sort -u)
         [ \"$threads\" = 1 ] || { echo \"Nova's APIs have threads beside their green ones: $threads\"; exit 1; }",
    ),
];

/// All checks.
pub(crate) fn all() -> Vec<Check> {
    let fixed = CHECKS.iter().map(|(name, covers, script)| Check {
        name,
        covers: covers.to_vec(),
        script: (*script).to_owned(),
    });
    fixed.chain([oslo::check()]).collect()
}
