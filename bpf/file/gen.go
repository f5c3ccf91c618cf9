package file

//go:generate bpf2go -cc clang-16 -strip llvm-strip-16 -target bpfel -no-global-types file file.bpf.c -- -O2 -Wall -Wextra -Wno-unused-parameter -Werror
//go:generate sh ../loader/checksums.sh
