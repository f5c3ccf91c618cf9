package script_test

import (
	"strings"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/script"
)

// argv are arguments of a program.
type argv []string

func (a argv) Arguments() int        { return len(a) }
func (a argv) Argument(i int) string { return a[i] }

// text gives a part as a reader of the command line sees it.
func (a argv) text(p script.Part) string {
	if !p.IsSet() {
		return ""
	}
	return strings.Join(a[p.First:p.Last+1], " ")[p.Offset:]
}

// split takes a command apart at spaces; ~ stands for a space in an argument, and ^ for an empty argument.
func split(command string) argv {
	args := argv(strings.Fields(command))
	for i, arg := range args {
		args[i] = strings.ReplaceAll(strings.ReplaceAll(arg, "~", " "), "^", "")
	}
	return args
}

func TestParse(t *testing.T) {
	f := func(image, command, want string) {
		t.Helper()
		args := split(command)
		r := script.Parse(image, args)
		got := r.Source.String()
		if path := args.text(r.Script); path != "" {
			got += " " + path
		}
		if r.Inline.IsSet() {
			got += " {" + args.text(r.Inline) + "}"
		}
		if r.Asked {
			got += " asked"
		}
		if got != want {
			t.Errorf("%s, %q: got %q, want %q", image, command, got, want)
		}
	}
	f("/usr/bin/ls", "ls -c x", "none")
	f("", "sh x", "none")
	f("/usr/bin/dash", "", "stdin")

	// Shells.
	f("/usr/bin/dash", "sh", "stdin")
	f("/usr/bin/dash", "-sh", "stdin")
	f("/usr/bin/dash", "sh x.sh -c y", "file x.sh")
	f("/usr/bin/dash", "sh -c id~-u a b", "inline {id -u}")
	f("/usr/bin/dash", "sh -ec id", "inline {id}")
	f("/usr/bin/dash", "sh -c -e id", "inline {id}")
	f("/usr/bin/dash", "sh -c -- id", "inline {id}")
	f("/usr/bin/dash", "sh -c", "none")
	f("/usr/bin/dash", "sh -ce ^", "inline {}")
	f("/usr/bin/dash", "sh -e x.sh", "file x.sh")
	f("/usr/bin/dash", "sh +e x.sh", "file x.sh")
	f("/usr/bin/dash", "sh +c x.sh", "file x.sh")
	f("/usr/bin/dash", "sh -o pipefail x.sh", "file x.sh")
	f("/usr/bin/dash", "sh -euo pipefail -c id", "inline {id}")
	f("/usr/bin/dash", "sh - x.sh", "file x.sh")
	f("/usr/bin/dash", "sh -", "stdin")
	f("/usr/bin/dash", "sh -- -x", "file -x")
	f("/usr/bin/dash", "sh -s a b", "stdin asked")
	f("/usr/bin/dash", "sh -i", "stdin")
	f("/usr/bin/dash", "sh /dev/stdin a", "stdin asked")
	f("/usr/bin/dash", "sh /dev/fd/63", "file /dev/fd/63")
	f("/usr/bin/bash", "bash --norc --rcfile f x.sh", "file x.sh")
	f("/usr/bin/bash", "bash --rcfile f -c id", "inline {id}")
	f("/usr/bin/bash", "bash -rcfile f x.sh", "file x.sh")
	f("/usr/bin/bash", "bash -O extglob +O nullglob x.sh", "file x.sh")
	f("/usr/bin/bash", "bash -lic id", "inline {id}")
	f("/usr/bin/bash", "bash --version", "none")
	f("/usr/bin/zsh-5.9", "zsh -o extendedglob x", "file x")
	f("/usr/bin/zsh", "zsh -oextendedglob x", "file x")
	f("/usr/bin/zsh", "zsh --emulate sh -c x", "inline {x}")
	f("/usr/bin/ksh93", "ksh x", "file x")
	f("/bin/bash-static", "bash x", "file x")
	f("/usr/bin/busybox", "sh -c id", "inline {id}")
	f("/usr/bin/busybox", "/bin/sh x", "file x")
	f("/usr/bin/busybox", "busybox sh x", "file x")
	f("/usr/bin/busybox", "busybox ash -c id", "inline {id}")
	f("/usr/bin/busybox", "busybox awk BEGIN{}", "inline {BEGIN{}}")
	f("/usr/bin/busybox", "busybox", "none")
	f("/usr/bin/busybox", "ls -c x", "none")
	f("/usr/bin/busybox", "", "none")

	// Python.
	f("/usr/bin/python3.11", "python3", "stdin")
	f("/usr/bin/python3.11", "python3 -", "stdin asked")
	f("/usr/bin/python3.11", "python3 x.py -c y", "file x.py")
	f("/usr/bin/python3.11", "python3 -c import~os a", "inline {import os}")
	f("/usr/bin/python3.11", "python3 -Ecimport~os -x", "inline {import os}")
	f("/usr/bin/python3.11", "python3 -W ignore -Xdev -u x.py", "file x.py")
	f("/usr/bin/python3.11", "python3 -m http.server", "none")
	f("/usr/bin/python3.11", "python3 -uimhttp.server x", "none")
	f("/usr/bin/python3.11", "python3 --check-hash-based-pycs never x.py", "file x.py")
	f("/usr/bin/python3.11", "python3 --version", "none")
	f("/usr/bin/python3.11", "python3 -V", "none")
	f("/usr/bin/python3.11", "python3 -c", "stdin")
	f("/usr/bin/pypy3", "pypy3 x.py", "file x.py")

	// Perl, Ruby.
	f("/usr/bin/perl", "perl -e print -e 1 x", "inline {print -e 1}")
	f("/usr/bin/perl5.36-x86_64-linux-gnu", "perl -ne print x", "inline {print}")
	f("/usr/bin/perl", "perl -lane print", "inline {print}")
	f("/usr/bin/perl", "perl -MIO::Socket -e 1", "inline {1}")
	f("/usr/bin/perl", "perl -Mstrict x.pl", "file x.pl")
	f("/usr/bin/perl", "perl -I lib -w x.pl", "file x.pl")
	f("/usr/bin/perl", "perl -pi.bak -e s/a/b/ f", "inline {s/a/b/}")
	f("/usr/bin/perl", "perl -pie f", "file f")
	f("/usr/bin/perl", "perl -0777 -Eprint f", "inline {print}")
	f("/usr/bin/perl", "perl", "stdin")
	f("/usr/bin/perl", "perl -", "stdin asked")
	f("/usr/bin/perl", "perl -v", "none")
	f("/usr/bin/perl", "perl -- -x.pl", "file -x.pl")
	f("/usr/bin/ruby3.1", "ruby -rsocket -e exit", "inline {exit}")
	f("/usr/bin/ruby3.1", "ruby -r socket x.rb", "file x.rb")
	f("/usr/bin/ruby3.1", "ruby --enable gems --encoding=utf-8 x.rb", "file x.rb")

	// Node, PHP, Lua.
	f("/usr/bin/node", "node x.js --eval y", "file x.js")
	f("/usr/bin/node", "node -e 1", "inline {1}")
	f("/usr/bin/node", "node -pe 1+1", "inline {1+1}")
	f("/usr/bin/node", "node -p 1+1", "inline {1+1}")
	f("/usr/bin/node", "node --eval=1", "inline {1}")
	f("/usr/bin/node", "node --require m --inspect x.js", "file x.js")
	f("/usr/bin/node", "node --require", "stdin")
	f("/usr/bin/node", "node -", "stdin asked")
	f("/usr/bin/php8.2", "php -r echo~1; -- -x", "inline {echo 1;}")
	f("/usr/bin/php8.2", "php -d a=b -f x.php", "file x.php")
	f("/usr/bin/php8.2", "php --run=1;", "inline {1;}")
	f("/usr/bin/php8.2", "php --file x.php", "file x.php")
	f("/usr/bin/php8.2", "php x.php -r y", "file x.php")
	f("/usr/bin/php8.2", "php -S 0:80", "none")
	f("/usr/bin/php8.2", "php -S 0:80 router.php", "file router.php")
	f("/usr/bin/lua5.4", "lua -e x=1 y.lua", "inline y.lua {x=1}")
	f("/usr/bin/lua5.4", "lua -lsocket y.lua", "file y.lua")
	f("/usr/bin/luajit-2.1.0", "luajit -b x y", "none")

	// awk, Tcl, Expect, fish.
	f("/usr/bin/mawk", "awk {print} f", "inline {{print}}")
	f("/usr/bin/gawk", "awk -F : -v a=b BEGIN{system(\"id\")}", "inline {BEGIN{system(\"id\")}}")
	f("/usr/bin/gawk", "awk -f x.awk f", "file x.awk")
	f("/usr/bin/gawk", "awk -fx.awk f", "file x.awk")
	f("/usr/bin/gawk", "awk --file=x.awk f", "file x.awk")
	f("/usr/bin/gawk", "awk -f /dev/stdin f", "stdin asked")
	f("/usr/bin/gawk", "awk -E x.awk -f y", "file x.awk")
	f("/usr/bin/gawk", "gawk --source BEGIN{} f", "inline {BEGIN{}}")
	f("/usr/bin/gawk", "gawk --source=BEGIN{} f", "inline {BEGIN{}}")
	f("/usr/bin/gawk", "gawk --version", "none")
	f("/usr/bin/gawk", "gawk", "none")
	f("/usr/bin/tclsh8.6", "tclsh -encoding utf-8 x.tcl", "file x.tcl")
	f("/usr/bin/tclsh8.6", "tclsh", "stdin")
	f("/usr/bin/expect", "expect -c spawn~sh", "inline {spawn sh}")
	f("/usr/bin/expect", "expect -f x.exp a", "file x.exp")
	f("/usr/bin/fish", "fish -C a -c b c", "inline {b}")
	f("/usr/bin/fish", "fish --command=b", "inline {b}")

	// PowerShell.
	f("/opt/microsoft/powershell/7/pwsh", "pwsh -NoProfile -ExecutionPolicy Bypass -File x.ps1 a", "file x.ps1")
	f("/opt/microsoft/powershell/7/pwsh", "pwsh -nop -ep bypass x.ps1", "file x.ps1")
	f("/opt/microsoft/powershell/7/pwsh", "pwsh -nologo -COMMAND iex x", "inline {iex x}")
	f("/opt/microsoft/powershell/7/pwsh", "pwsh -enc SQBFAFgA", "inline {SQBFAFgA}")
	f("/opt/microsoft/powershell/7/pwsh", "pwsh -e SQBFAFgA", "inline {SQBFAFgA}")
	f("/opt/microsoft/powershell/7/pwsh", "pwsh -c -", "stdin asked")
	f("/opt/microsoft/powershell/7/pwsh", "pwsh -Version", "none")
	f("/opt/microsoft/powershell/7/pwsh", "pwsh", "stdin")
	f("/opt/microsoft/powershell/7/pwsh", "pwsh -c", "stdin")
}

func TestParseDoesNotAllocate(t *testing.T) {
	var args script.Arguments = split("python3 -W ignore --check-hash-based-pycs never -c import~os")
	if n := testing.AllocsPerRun(100, func() {
		if script.Parse("/usr/bin/python3.11", args).Source != script.Inline {
			t.Error("the text is not found")
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// FuzzParse lets arguments be anything: what is found lies within them.
func FuzzParse(f *testing.F) {
	names := []string{
		"sh", "bash", "zsh", "busybox", "python3", "perl", "ruby", "node", "php", "lua", "luajit", "gawk", "tclsh", "expect", "fish", "pwsh",
	}
	for n := range names {
		f.Add(uint8(n), "x\x00-c\x00y")
		f.Add(uint8(n), "x\x00-\x00--a=b\x00-fe\x00")
		f.Add(uint8(n), "")
	}
	f.Fuzz(func(t *testing.T, name uint8, joined string) {
		args := argv(strings.Split(joined, "\x00"))
		if joined == "" {
			args = nil
		}
		r := script.Parse("/usr/bin/"+names[int(name)%len(names)], args)
		for _, p := range []script.Part{r.Script, r.Inline} {
			if !p.IsSet() {
				if p != (script.Part{}) {
					t.Errorf("%+v is half a part", p)
				}
				continue
			}
			if p.Last < p.First || int(p.Last) >= len(args) || p.Offset < 0 || int(p.Offset) > len(args[p.First]) {
				t.Fatalf("%+v is no part of %q", p, args)
			}
		}
		switch {
		case r.Source == script.Inline && !r.Inline.IsSet(), r.Source == script.File && !r.Script.IsSet(),
			r.Source == script.None && (r.Inline.IsSet() || r.Script.IsSet()):
			t.Errorf("%q gives %+v", args, r)
		}
	})
}
