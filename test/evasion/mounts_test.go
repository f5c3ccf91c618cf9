package evasion

import "testing"

var mounts = program{"evade_mount", "memfd_create name=evasion-end"}

// bound is a Unix socket that was bound to a file.
const bound = "unix_bind file.path={fresh} file.inode={fresh.ino} file.device={fresh.dev} file.mount_namespace={mntns} abstract=false"

var mountScenarios = []scenario{
	{"bind-mount", wants("mount operation=mount source={source} target={target} flags&0x5000")},
	{"bind-mount-renamed", wants("mount operation=mount target={target} flags&0x1000")},
	{"tmpfs", wants("mount operation=mount source=a%20source target={target} filesystem=tmpfs flags&6 options=size=64k,mode=700")},
	{"tmpfs-int80", wants("mount operation=mount source=a%20source target={target} filesystem=tmpfs flags&2 options=size=64k")},
	{"remount", wants("mount operation=mount target={target} flags&0x1021")},
	{"umount2", wants("mount operation=umount2 target={target} flags&2")},
	{"umount-int80", wants("mount operation=umount2 target={target}")},
	{"fsmount", wants("mount operation=fsmount", "mount operation=move_mount target={target}")},
	{"open_tree", wants("mount operation=open_tree target={source}", "mount operation=move_mount target={target}")},
	{"mount_setattr", wants("mount operation=mount_setattr target={target}")},
	{"pivot_root", wants("mount operation=pivot_root")},
	{"failing-mount", wants("no mount source=a%20source")},
	{"bind-path", wants(bound + " type=1")},
	{"bind-relative", wants(bound + " type=2")},
	{"bind-symlinked-directory", wants(bound + " type=5")},
	{"bind-chroot", wants(bound + " type=1")},
	{"bind-abstract", wants("unix_bind abstract=true name=an%20abstract%00name type=1 file=false")},
	{"bind-int80", wants(bound)},
	{"bind-ring", wants(bound)},
	{"bind-socketcall", wants(bound)},
	{"memfd_create", wants("memfd_create name=an%20innocent%0Aname%FF flags=1 file.path=memfd:an%20innocent%0Aname%FF file.flags&2")},
	{"memfd_create-int80", wants("memfd_create name=an%20innocent%0Aname%FF flags=1")},
}

func TestMountsSocketsAndMemoryFiles(t *testing.T) { mounts.run(t, mountScenarios) }
