// evade_mount: mounts, sockets with names, and memory with a name. All mounts are made in a mount namespace of their own.
//
//   evade_mount ACT DIRECTORY

#include "evade.h"
#include "evade_call.h"
#include "evade_place.h"

#include <linux/mount.h>
#include <stddef.h>

#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

static void bind_mount(void)
{
	must("mount", mount(below("source"), below("target"), NULL, MS_BIND | MS_REC, NULL));
}

static void bind_mount_renamed(void)
{
	must("symlink", symlink("target", below("link")));
	must("chdir", chdir(base));
	must("mount", mount("./source/../source", "link", "none", MS_BIND, NULL));
}

static void tmpfs(void)
{
	must("mount", mount("a source", below("target"), "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=700"));
}

static char target_path[PATH_SIZE], source_text[] = "a source", type_text[] = "tmpfs", option_text[] = "size=64k";

static void tmpfs_int80(void)
{
	choose_entry("int80");
	snprintf(target_path, sizeof(target_path), "%s", below("target"));
	must("mount", call5(SYS_mount, source_text, target_path, type_text, MS_NOSUID | MS_NODEV, option_text));
}

static void remount(void)
{
	tmpfs();
	must("remount", mount(NULL, below("target"), NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
}

static void mounted(void) { must("mount", mount("a source", below("target"), "tmpfs", 0, NULL)); }

static void unmount(void)
{
	in_child(mounted);
	must("umount2", umount2(below("target"), MNT_DETACH));
}

static void old_unmount(void)
{
	in_child(mounted);
	snprintf(target_path, sizeof(target_path), "%s", below("target"));
	need_int80();
	must("umount", int80(22, (long)(uintptr_t)target_path, 0, 0, 0, 0));
}

static void new_api(void)
{
	int fs = must("fsopen", syscall(SYS_fsopen, "tmpfs", 0)), fd;

	must("fsconfig", syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	fd = must("fsmount", syscall(SYS_fsmount, fs, 0, 0));
	must("move_mount", syscall(SYS_move_mount, fd, "", AT_FDCWD, below("target"), MOVE_MOUNT_F_EMPTY_PATH));
}

static void cloned_tree(void)
{
	int fd = must("open_tree", syscall(SYS_open_tree, AT_FDCWD, below("source"), OPEN_TREE_CLONE));

	must("move_mount", syscall(SYS_move_mount, fd, "", AT_FDCWD, below("target"), MOVE_MOUNT_F_EMPTY_PATH));
}

static void attributes(void)
{
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};

	in_child(mounted);
	must("mount_setattr", syscall(SYS_mount_setattr, AT_FDCWD, below("target"), 0, &attributes, sizeof(attributes)));
}

static void pivot(void)
{
	// In a child with mounts of its own: it loses /proc and everything else. Its new root must be a mount.
	pid_t pid;

	must("mount", mount(below("source"), below("source"), NULL, MS_BIND, NULL));
	must("mkdir", mkdir(below("source/old"), 0755));
	pid = must("fork", fork());
	if (pid == 0) {
		must("unshare", unshare(CLONE_NEWNS));
		must("chdir", chdir(below("source")));
		if (syscall(SYS_pivot_root, ".", "old") < 0) {
			// The first root file system, rootfs, cannot be moved.
			if (errno == EINVAL)
				lacking("a root that pivot_root can move");
			failed("pivot_root");
		}
		_exit(0);
	}
	fact_number("pid", pid);
	wait_well(pid);
}

static void failing(void)
{
	if (mount("a source", below("missing"), "tmpfs", 0, NULL) == 0)
		failed("a mount on what is not there");
}

// Sockets.

static void bind_to(const char *name, size_t size, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, name, size);
	must("bind", bind(must("socket", socket(AF_UNIX, type, 0)), (struct sockaddr *)&address,
			  offsetof(struct sockaddr_un, sun_path) + size));
}

static void bind_path(void) { bind_to(below("fresh"), strlen(below("fresh")) + 1, SOCK_STREAM); }

static void bind_relative(void)
{
	must("chdir", chdir(base));
	bind_to("source/../fresh", 15, SOCK_DGRAM);
}

static void bind_symlink(void)
{
	must("symlink", symlink(".", below("link")));
	bind_to(below("link/fresh"), strlen(below("link/fresh")), SOCK_SEQPACKET);
}

static void bind_chroot(void)
{
	must("chroot", chroot(base));
	must("chdir", chdir("/"));
	bind_to("/fresh", 7, SOCK_STREAM);
}

static void bind_abstract(void) { bind_to("\0an abstract\0name", 17, SOCK_STREAM); }

static struct sockaddr_un address = {.sun_family = AF_UNIX};

static void bind_int80(void)
{
	int fd = must("socket", socket(AF_UNIX, SOCK_STREAM, 0));

	choose_entry("int80");
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", below("fresh"));
	must("bind", call3(SYS_bind, fd, &address, sizeof(address)));
}

static void bind_ring(void)
{
	int fd = must("socket", socket(AF_UNIX, SOCK_STREAM, 0));

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", below("fresh"));
	ring_open(0);
	must("bind", ring_call(SYS_bind, fd, (long)(uintptr_t)&address, sizeof(address), 0, 0));
}

static void bind_socketcall(void)
{
	static int list[3];

	need_int80();
	list[0] = must("socket", socket(AF_UNIX, SOCK_STREAM, 0));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", below("fresh"));
	list[1] = (int)(uintptr_t)&address;
	list[2] = sizeof(address);
	must("socketcall", int80(102, 2, (long)(uintptr_t)list, 0, 0, 0));
}

// Memory with a name.

static void memfd(void) { must("memfd_create", syscall(SYS_memfd_create, "an innocent\nname\xff", MFD_CLOEXEC)); }

static char memfd_name[] = "an innocent\nname\xff";

static void memfd_int80(void)
{
	choose_entry("int80");
	must("memfd_create", call2(SYS_memfd_create, memfd_name, MFD_CLOEXEC));
}

static const struct act acts[] = {
	{"bind-mount", bind_mount},
	{"bind-mount-renamed", bind_mount_renamed},
	{"tmpfs", tmpfs},
	{"tmpfs-int80", tmpfs_int80},
	{"remount", remount},
	{"umount2", unmount},
	{"umount-int80", old_unmount},
	{"fsmount", new_api},
	{"open_tree", cloned_tree},
	{"mount_setattr", attributes},
	{"pivot_root", pivot},
	{"failing-mount", failing},
	{"bind-path", bind_path},
	{"bind-relative", bind_relative},
	{"bind-symlinked-directory", bind_symlink},
	{"bind-chroot", bind_chroot},
	{"bind-abstract", bind_abstract},
	{"bind-int80", bind_int80},
	{"bind-ring", bind_ring},
	{"bind-socketcall", bind_socketcall},
	{"memfd_create", memfd},
	{"memfd_create-int80", memfd_int80},
	{NULL, NULL},
};

static void run(void (*perform)(void))
{
	struct stat st;

	snprintf(base, sizeof(base), "%s", arguments[0]);
	must("mkdir", mkdir(below("source"), 0755));
	must("mkdir", mkdir(below("target"), 0755));
	own_mounts();
	mount_namespace = namespace_of("mnt");
	fact_number("mntns", mount_namespace);
	tell("source", "%s", below("source"));
	tell("target", "%s", below("target"));
	tell("fresh", "%s", below("fresh"));
	perform();
	if (stat(perform == bind_chroot ? "/fresh" : below("fresh"), &st) == 0) {
		fact_number("fresh.ino", st.st_ino);
		fact_number("fresh.dev", st.st_dev);
	}
}

static void end(void) { syscall(SYS_memfd_create, "evasion-end", 0); }

int main(int argc, char **argv) { return start(acts, argc, argv, run, end); }
