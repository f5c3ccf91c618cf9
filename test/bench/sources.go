package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A C project of some size, and a tree like that of a large repository with its dependencies.
const (
	cFiles     = 150
	cFunctions = 12
	cJobs      = 2

	treeDirectories = 200
	treeFiles       = 100
	treeFileBytes   = 2000
)

func writeC(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for f := range cFiles {
		var text strings.Builder
		text.WriteString("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <errno.h>\n")
		for n := range cFunctions {
			fmt.Fprintf(&text, `
static int step_%[1]d(const char *in, char *out, size_t size)
{
	size_t i, n = strlen(in);

	for (i = 0; i < n && i + 1 < size; i++)
		out[i] = (char)(in[n - 1 - i] ^ %[1]d);
	out[i] = 0;
	if (i < n) {
		fprintf(stderr, "step %[1]d: %%zu bytes are too many\n", n);
		return -ENOSPC;
	}
	return (int)i;
}
`, n)
		}
		fmt.Fprintf(&text, "\nint file_%d(const char *in, char *out, size_t size)\n{\n\tint sum = 0;\n\n", f)
		for n := range cFunctions {
			fmt.Fprintf(&text, "\tsum += step_%d(in, out, size);\n", n)
		}
		text.WriteString("\treturn sum;\n}\n")
		if err := os.WriteFile(cFile(dir, f), []byte(text.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func cFile(dir string, n int) string { return filepath.Join(dir, fmt.Sprintf("file%03d.c", n)) }

// compileC compiles the project as make -j2 would, one process per file.
func compileC(ctx context.Context, from, to string) (spent, error) {
	var mu sync.Mutex
	var total spent
	var failed error
	files := make(chan int)
	var workers sync.WaitGroup
	began := time.Now()
	for range cJobs {
		workers.Go(func() {
			for f := range files {
				one, err := timed(ctx, "cc", "-O1", "-c", "-o", filepath.Join(to, fmt.Sprintf("file%03d.o", f)), cFile(from, f))
				mu.Lock()
				total.cpu += one.cpu
				if err != nil {
					failed = err
				}
				mu.Unlock()
			}
		})
	}
	for f := range cFiles {
		files <- f
	}
	close(files)
	workers.Wait()
	total.wall = time.Since(began)
	return total, failed
}

func writeTree(dir string) error {
	content := []byte(strings.Repeat("0123456789abcdef\n", treeFileBytes/17))
	for d := range treeDirectories {
		sub := filepath.Join(dir, fmt.Sprintf("part%02d/sub%03d", d%20, d))
		if err := os.MkdirAll(sub, 0o755); err != nil {
			return err
		}
		for f := range treeFiles {
			if err := os.WriteFile(filepath.Join(sub, fmt.Sprintf("file%03d.txt", f)), content[:1+(f*37)%len(content)], 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
