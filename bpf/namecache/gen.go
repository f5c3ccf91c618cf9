package namecache

//go:generate bpf2go -cc clang-16 -strip llvm-strip-16 -target bpfel -no-global-types namecache namecache.bpf.c -- -O2 -Wall -Wextra -Wno-unused-parameter -Werror
//go:generate sh ../loader/checksums.sh
