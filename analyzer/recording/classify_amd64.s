#include "textflag.h"

// BOTH makes one number of the highest bits of the bytes in Y6 and Y7, and stores it.
#define BOTH(to) \
	VPMOVMSKB Y6, AX  \
	VPMOVMSKB Y7, BX  \
	SHLQ      $32, BX \
	ORQ       BX, AX  \
	MOVQ      AX, (to)

// func classifyAVX2(text *byte, blocks int, quotes, slashes, controls *uint64) (foreign uint64)
TEXT ·classifyAVX2(SB), NOSPLIT, $0-48
	MOVQ         text+0(FP), SI
	MOVQ         blocks+8(FP), CX
	MOVQ         quotes+16(FP), DI
	MOVQ         slashes+24(FP), R8
	MOVQ         controls+32(FP), R9
	MOVQ         $0x2222222222222222, AX
	VMOVQ        AX, X0
	VPBROADCASTQ X0, Y0
	MOVQ         $0x5c5c5c5c5c5c5c5c, AX
	VMOVQ        AX, X1
	VPBROADCASTQ X1, Y1
	MOVQ         $0x1f1f1f1f1f1f1f1f, AX
	VMOVQ        AX, X2
	VPBROADCASTQ X2, Y2
	VPXOR        Y3, Y3, Y3

block:
	VMOVDQU  (SI), Y4
	VMOVDQU  32(SI), Y5
	VPOR     Y4, Y3, Y3
	VPOR     Y5, Y3, Y3
	VPCMPEQB Y0, Y4, Y6
	VPCMPEQB Y0, Y5, Y7
	BOTH(DI)
	VPCMPEQB Y1, Y4, Y6
	VPCMPEQB Y1, Y5, Y7
	BOTH(R8)

	// What is its own minimum with 0x1f is no greater.
	VPMINUB  Y2, Y4, Y6
	VPMINUB  Y2, Y5, Y7
	VPCMPEQB Y4, Y6, Y6
	VPCMPEQB Y5, Y7, Y7
	BOTH(R9)
	ADDQ     $64, SI
	ADDQ     $8, DI
	ADDQ     $8, R8
	ADDQ     $8, R9
	DECQ     CX
	JNZ      block

	VPMOVMSKB Y3, AX
	MOVQ      AX, foreign+40(FP)
	VZEROUPPER
	RET
