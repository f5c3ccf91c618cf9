#include "textflag.h"

// Which bytes are one of " / \ b f n r t is found by their halves. A byte is when the entry of its lower half has the bit that
// the entry of its upper half has: 1 for 0x2?, 2 for 0x5?, 4 for 0x6?, 8 for 0x7?.
DATA lower<>+0(SB)/8, $0x00040008000d0000
DATA lower<>+8(SB)/8, $0x0104000200000000
GLOBL lower<>(SB), RODATA|NOPTR, $16
DATA upper<>+0(SB)/8, $0x0804020000010000
DATA upper<>+8(SB)/8, $0x0000000000000000
GLOBL upper<>(SB), RODATA|NOPTR, $16

// BOTH makes one number of the highest bits of the bytes in Y6 and Y7, and stores it.
#define BOTH(to) \
	VPMOVMSKB Y6, AX  \
	VPMOVMSKB Y7, BX  \
	SHLQ      $32, BX \
	ORQ       BX, AX  \
	MOVQ      AX, to

// RARE sets the bytes of out that are none of those in Y8 and Y9 by their halves.
#define RARE(in, out) \
	VPSHUFB  in, Y8, out   \
	VPSRLW   $4, in, Y12   \
	VPAND    Y10, Y12, Y12 \
	VPSHUFB  Y12, Y9, Y12  \
	VPAND    Y12, out, out \
	VPCMPEQB Y11, out, out

// func classifyAVX2(text *byte, blocks int, classes *class) (foreign uint64)
TEXT ·classifyAVX2(SB), NOSPLIT, $0-32
	MOVQ           text+0(FP), SI
	MOVQ           blocks+8(FP), CX
	MOVQ           classes+16(FP), DI
	MOVQ           $0x2222222222222222, AX
	VMOVQ          AX, X0
	VPBROADCASTQ   X0, Y0
	MOVQ           $0x5c5c5c5c5c5c5c5c, AX
	VMOVQ          AX, X1
	VPBROADCASTQ   X1, Y1
	MOVQ           $0x1f1f1f1f1f1f1f1f, AX
	VMOVQ          AX, X2
	VPBROADCASTQ   X2, Y2
	MOVQ           $0x0f0f0f0f0f0f0f0f, AX
	VMOVQ          AX, X10
	VPBROADCASTQ   X10, Y10
	VBROADCASTI128 lower<>(SB), Y8
	VBROADCASTI128 upper<>(SB), Y9
	VPXOR          Y3, Y3, Y3
	VPXOR          Y11, Y11, Y11

block:
	VMOVDQU  (SI), Y4
	VMOVDQU  32(SI), Y5
	VPOR     Y4, Y3, Y3
	VPOR     Y5, Y3, Y3
	VPCMPEQB Y0, Y4, Y6
	VPCMPEQB Y0, Y5, Y7
	BOTH((DI))
	VPCMPEQB Y1, Y4, Y6
	VPCMPEQB Y1, Y5, Y7
	BOTH(8(DI))

	// What is its own minimum with 0x1f is no greater.
	VPMINUB  Y2, Y4, Y6
	VPMINUB  Y2, Y5, Y7
	VPCMPEQB Y4, Y6, Y6
	VPCMPEQB Y5, Y7, Y7
	BOTH(16(DI))
	RARE(Y4, Y6)
	RARE(Y5, Y7)
	BOTH(24(DI))
	ADDQ     $64, SI
	ADDQ     $32, DI
	DECQ     CX
	JNZ      block

	VPMOVMSKB Y3, AX
	MOVQ      AX, foreign+24(FP)
	VZEROUPPER
	RET
