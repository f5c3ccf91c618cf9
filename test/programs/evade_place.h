// Ways to name a file: each function makes the objects and sets how they are named and where they truly are.

#ifndef EVADE_PLACE_H
#define EVADE_PLACE_H

#include "evade.h"

#define PATH_SIZE 8192
// The name of a key that every list of sensitive files has.
#define VICTIM "id_ed25519"
#define CONTENT "the content of a key\n"

// Where the objects lie, as the act names it and as the kernel knows it.
static int at = AT_FDCWD;
static char prefix[PATH_SIZE];
static char true_directory[PATH_SIZE];
static const char *suffix = "";
static char base[PATH_SIZE];
static unsigned long mount_namespace;

// spell is how the act names a file.
static char *spell(const char *leaf)
{
	static char text[4][PATH_SIZE];
	static int next;
	char *out = text[next++ % 4];

	snprintf(out, PATH_SIZE, "%s%s%s", prefix, leaf, suffix);
	return out;
}

// below is a path below the act's own directory.
static char *below(const char *leaf)
{
	static char text[4][PATH_SIZE];
	static int next;
	char *out = text[next++ % 4];

	snprintf(out, PATH_SIZE, "%.4000s/%.4000s", base, leaf);
	return out;
}

static int objects_in;

static void object(const char *leaf, const char *text)
{
	char name[300];
	int fd;

	snprintf(name, sizeof(name), "%s%s", leaf, suffix);
	fd = must(name, openat(objects_in, name, O_WRONLY | O_CREAT | O_EXCL, 0644));
	must(name, write(fd, text, strlen(text)));
	close(fd);
}

static void make_objects(void)
{
	char name[300];

	umask(0);
	object(VICTIM, CONTENT);
	object("other", "another\n");
	snprintf(name, sizeof(name), "emptydir%s", suffix);
	must(name, mkdirat(objects_in, name, 0755));
	snprintf(name, sizeof(name), "alias%s", suffix);
	snprintf(prefix, sizeof(prefix), "%s%s", VICTIM, suffix);
	must(name, symlinkat(prefix, objects_in, name));
}

// fill makes the objects in a directory, from another process.
static void fill(const char *directory)
{
	objects_in = must(directory, open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	in_child(make_objects);
	close(objects_in);
}

static void in_directory(const char *directory)
{
	snprintf(true_directory, sizeof(true_directory), "%s", directory);
	fill(directory);
}

static void place_plain(void)
{
	in_directory(below(".ssh"));
	snprintf(prefix, sizeof(prefix), "%s/", true_directory);
}

static void place_dirfd(void)
{
	in_directory(below(".ssh"));
	at = must("open directory", open(true_directory, O_RDONLY | O_DIRECTORY));
}

static void place_path_dirfd(void)
{
	in_directory(below(".ssh"));
	at = must("open directory", open(true_directory, O_PATH));
}

static void place_cwd(void)
{
	in_directory(below(".ssh"));
	must("chdir", chdir(true_directory));
}

static void place_symlink(void)
{
	in_directory(below(".ssh"));
	must("symlink", symlink(".ssh", below("link")));
	snprintf(prefix, sizeof(prefix), "%s/", below("link"));
}

// place_long_symlink has a link whose text is too long to be kept in the inode.
static void place_long_symlink(void)
{
	static char text[PATH_SIZE] = "";

	in_directory(below(".ssh"));
	for (int i = 0; i < 1000; i++)
		strcat(text, "./");
	strcat(text, ".ssh");
	must("symlink", symlink(text, below("link")));
	snprintf(prefix, sizeof(prefix), "%s/", below("link"));
}

// place_many_steps takes more steps than a sensor may want to take.
static void place_many_steps(void)
{
	in_directory(below(".ssh"));
	must("symlink", symlink(true_directory, below("l")));
	snprintf(prefix, sizeof(prefix), "%s/", below("l"));
	for (int i = 0; i < 1500; i++)
		strcat(prefix, "./");
}

static void place_dots(void)
{
	in_directory(below(".ssh"));
	must("mkdir", mkdir(below("x"), 0755));
	snprintf(prefix, sizeof(prefix), "%s/.//x/..//.ssh/.././x/../.ssh//", base);
}

static void place_proc_fd(void)
{
	in_directory(below(".ssh"));
	snprintf(prefix, sizeof(prefix), "/proc/self/fd/%ld/", must("open directory", open(true_directory, O_PATH)));
}

static void place_thread_self(void)
{
	in_directory(below(".ssh"));
	snprintf(prefix, sizeof(prefix), "/proc/thread-self/fd/%ld/", must("open directory", open(true_directory, O_PATH)));
}

static void place_proc_root(void)
{
	in_directory(below(".ssh"));
	snprintf(prefix, sizeof(prefix), "/proc/self/root%.4000s/", true_directory);
}

static void place_proc_cwd(void)
{
	in_directory(below(".ssh"));
	must("chdir", chdir(true_directory));
	snprintf(prefix, sizeof(prefix), "/proc/self/cwd/");
}

static void place_chroot(void)
{
	in_directory(below(".ssh"));
	must("chroot", chroot(base));
	must("chdir", chdir("/"));
	snprintf(prefix, sizeof(prefix), "/.ssh/");
}

static void place_mounts(void)
{
	own_mounts();
	mount_namespace = namespace_of("mnt");
	fill(below(".ssh"));
	must("mkdir", mkdir(below("bound"), 0755));
	must("mount", mount(below(".ssh"), below("bound"), NULL, MS_BIND, NULL));
	snprintf(true_directory, sizeof(true_directory), "%s", below("bound"));
	snprintf(prefix, sizeof(prefix), "%s/", true_directory);
}

// place_stacked_mounts hides a directory below six mounts.
static void place_stacked_mounts(void)
{
	own_mounts();
	mount_namespace = namespace_of("mnt");
	for (int i = 0; i < 6; i++)
		must("mount", mount("none", below(".ssh"), "tmpfs", 0, NULL));
	in_directory(below(".ssh"));
	snprintf(prefix, sizeof(prefix), "%s/", true_directory);
}

static void overlay(int lower)
{
	static const char *const directories[] = {"lower", "upper", "work"};
	static char options[3 * PATH_SIZE];

	for (int i = 0; i < 3; i++)
		must("mkdir", mkdir(below(directories[i]), 0755));
	own_mounts();
	mount_namespace = namespace_of("mnt");
	if (lower)
		fill(below("lower"));
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s", below("lower"), below("upper"), below("work"));
	if (mount("overlay", below(".ssh"), "overlay", 0, options) < 0) {
		if (errno == ENODEV)
			lacking("overlayfs");
		failed("mount overlay");
	}
	if (!lower)
		fill(below(".ssh"));
	snprintf(true_directory, sizeof(true_directory), "%s", below(".ssh"));
	snprintf(prefix, sizeof(prefix), "%s/", true_directory);
}

static void place_overlay_upper(void) { overlay(0); }
static void place_overlay_lower(void) { overlay(1); }

static void place_deleted_cwd(void)
{
	in_directory(below(".ssh"));
	must("mkdir", mkdir(below("gone"), 0755));
	must("chdir", chdir(below("gone")));
	must("rmdir", rmdir(below("gone")));
	snprintf(prefix, sizeof(prefix), "../.ssh/");
}

static int long_size;

// make_long builds a path of long_size bytes below the directory, one step at a time.
static void make_long(void)
{
	size_t size = strlen(true_directory);
	char step[256];

	must("chdir", chdir(true_directory));
	while ((int)size < long_size) {
		int n = long_size - size - 1 > 255 ? 200 : long_size - size - 1;

		if (n < 1)
			break;
		memset(step, 'l', n);
		step[n] = 0;
		must("mkdir", mkdir(step, 0755));
		must("chdir", chdir(step));
		size += sprintf(true_directory + size, "/%s", step);
	}
}

static void place_long(void)
{
	snprintf(true_directory, sizeof(true_directory), "%s", below(".ssh"));
	long_size = 4000 - sizeof(VICTIM) - sizeof("/.ssh");
	make_long();
	must("mkdir", mkdir(".ssh", 0755));
	strcat(true_directory, "/.ssh");
	must("chdir", chdir("/"));
	fill(true_directory);
	snprintf(prefix, sizeof(prefix), "%.8000s/", true_directory);
}

// place_beyond is deeper than any path that the kernel takes or gives.
static void place_beyond(void)
{
	snprintf(true_directory, sizeof(true_directory), "%s", below(".ssh"));
	long_size = 6000;
	make_long();
	fill(".");
}

static void place_bytes(void)
{
	suffix = "\xff\xfe \n\x01%";
	place_plain();
}

static const struct act places[] = {
	{"plain", place_plain},
	{"dirfd", place_dirfd},
	{"path-dirfd", place_path_dirfd},
	{"cwd", place_cwd},
	{"symlinked-directory", place_symlink},
	{"long-symlink", place_long_symlink},
	{"many-steps", place_many_steps},
	{"dots-and-slashes", place_dots},
	{"proc-fd", place_proc_fd},
	{"proc-thread-self", place_thread_self},
	{"proc-root", place_proc_root},
	{"proc-cwd", place_proc_cwd},
	{"chroot", place_chroot},
	{"mount-namespace", place_mounts},
	{"stacked-mounts", place_stacked_mounts},
	{"overlay-upper", place_overlay_upper},
	{"overlay-lower", place_overlay_lower},
	{"deleted-cwd", place_deleted_cwd},
	{"long-path", place_long},
	{"beyond-path-max", place_beyond},
	{"not-utf8", place_bytes},
	{NULL, NULL},
};

// choose_place takes a name of a way to name files; 0 when it is none.
MAYBE_UNUSED static int choose_place(const char *name)
{
	for (const struct act *p = places; p->name; p++) {
		if (strcmp(p->name, name) != 0)
			continue;
		mount_namespace = namespace_of("mnt");
		must("mkdir", mkdir(below(".ssh"), 0755));
		p->perform();
		return 1;
	}
	return 0;
}

// know tells what is true of an object, if there is one of that name: NAME, NAME.ino, NAME.dev and so on.
MAYBE_UNUSED static void know(const char *name, const char *leaf)
{
	struct stat st;
	char key[64];

	tell(name, "%s/%s%s", true_directory, leaf, suffix);
	if (fstatat(at, spell(leaf), &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
#define KNOW(what, value) snprintf(key, sizeof(key), "%s." what, name), fact_number(key, value)
	KNOW("ino", st.st_ino);
	KNOW("dev", st.st_dev);
	KNOW("mode", st.st_mode);
	KNOW("size", st.st_size);
	KNOW("mtime", st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec);
#undef KNOW
}

#endif
