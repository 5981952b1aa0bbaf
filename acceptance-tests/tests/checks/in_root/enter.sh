# The sandbox of one check: the guests' root under a writable layer that is gone with this process, the node's files
# over it, a network with the node's interfaces and addresses.
# enter.sh NAME LOWER-DIRECTORIES INTERFACES SCRIPT FILE...; INTERFACES: "eth0=10.0.0.1/24 eth1="
set -eu
name=$1 lower=$2 interfaces=$3 script=$4
shift 4
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o "lowerdir=$lower,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/root
mount -t proc proc /mnt/root/proc
mount --rbind /dev /mnt/root/dev
mount -t tmpfs -o mode=755 tmpfs /mnt/root/run
mkdir -m 1777 /mnt/root/run/lock
hostname "$name"
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
chroot /mnt/root ip link set lo up
for interface in $interfaces; do
	# A bridge stands for a card: not every kernel has dummies.
	chroot /mnt/root ip link add "${interface%%=*}" type bridge
	[ -z "${interface#*=}" ] || chroot /mnt/root ip address add "${interface#*=}" dev "${interface%%=*}"
	chroot /mnt/root ip link set "${interface%%=*}" up
done
exec timeout --kill-after=5 300 chroot /mnt/root /bin/sh -euc "$script" check "$@"
