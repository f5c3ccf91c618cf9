#include "textflag.h"

// The windows that begin with each of the first eight bytes of a block of sixteen.
DATA windows<>+0(SB)/8, $0x0403020103020100
DATA windows<>+8(SB)/8, $0x0605040305040302
DATA windows<>+16(SB)/8, $0x0807060507060504
DATA windows<>+24(SB)/8, $0x0a09080709080706
GLOBL windows<>(SB), RODATA|NOPTR, $32

// Eight set and eight clear lanes: read from lane 8-n on, n lanes are set.
DATA lanes<>+0(SB)/8, $-1
DATA lanes<>+8(SB)/8, $-1
DATA lanes<>+16(SB)/8, $-1
DATA lanes<>+24(SB)/8, $-1
DATA lanes<>+32(SB)/8, $0
DATA lanes<>+40(SB)/8, $0
DATA lanes<>+48(SB)/8, $0
DATA lanes<>+56(SB)/8, $0
GLOBL lanes<>(SB), RODATA|NOPTR, $64

DATA lower<>+0(SB)/4, $0x20202020
GLOBL lower<>(SB), RODATA|NOPTR, $4
DATA spread<>+0(SB)/4, $0x9e3779b1
GLOBL spread<>(SB), RODATA|NOPTR, $4
DATA low5<>+0(SB)/4, $31
GLOBL low5<>(SB), RODATA|NOPTR, $4

// PROBE leaves in BX a bit for each of the eight grams in Y0 that the bitmap at DI has.
#define PROBE \
	VPOR Y7, Y0, Y0 \
	VPMULLD Y8, Y0, Y0 \
	VPSRLD X5, Y0, Y0 \
	VPSRLD $5, Y0, Y1 \
	VPCMPEQD Y2, Y2, Y2 \
	VPGATHERDD Y2, (DI)(Y1*4), Y3 \
	VPAND Y9, Y0, Y0 \
	VPSRLVD Y0, Y3, Y3 \
	VPSLLD $31, Y3, Y3 \
	VMOVMSKPS Y3, BX

#define PREPARE \
	MOVQ text_base+0(FP), SI \
	MOVQ text_len+8(FP), CX \
	MOVQ from+16(FP), AX \
	MOVQ bitmap_base+24(FP), DI \
	VMOVQ shift+48(FP), X5 \
	VPBROADCASTD lower<>(SB), Y7 \
	VPBROADCASTD spread<>(SB), Y8 \
	VPBROADCASTD low5<>(SB), Y9 \
	VPXOR Y10, Y10, Y10 \
	XORL BX, BX

// func nextDense(text string, from int, bitmap []uint64, shift uint64) (at int, grams, foreign uint64)
TEXT ·nextDense(SB), NOSPLIT, $0-80
	PREPARE
	VMOVDQU windows<>(SB), Y6
	LEAQ -16(CX), R8
	LEAQ -4(CX), R9

blocks:
	CMPQ AX, R8
	JGT  rest
	VBROADCASTI128 (SI)(AX*1), Y0
	VPOR Y0, Y10, Y10
	VPSHUFB Y6, Y0, Y0
	PROBE
	TESTL BX, BX
	JNZ  out
	ADDQ $8, AX
	JMP  blocks

	// What is left is taken from the last sixteen bytes.
rest:
	CMPQ AX, R9
	JGT  out
	MOVQ AX, R10
	SUBQ R8, R10
	VMOVD R10, X1
	VPBROADCASTB X1, Y1
	VPADDB Y6, Y1, Y1
	VBROADCASTI128 (SI)(R8*1), Y0
	VPOR Y0, Y10, Y10
	VPSHUFB Y1, Y0, Y0
	PROBE
	TESTL BX, BX
	JNZ  out
	ADDQ $8, AX
	JMP  rest

out:
	MOVQ AX, at+56(FP)
	MOVQ BX, grams+64(FP)
	VPMOVMSKB Y10, DX
	MOVQ DX, foreign+72(FP)
	VZEROUPPER
	RET

// func nextSparse(text string, from int, bitmap []uint64, shift uint64) (at int, grams, foreign uint64)
TEXT ·nextSparse(SB), NOSPLIT, $0-80
	PREPARE
	LEAQ -32(CX), R8
	LEAQ -4(CX), R9
	LEAQ lanes<>+32(SB), R11

blocks:
	CMPQ AX, R8
	JGT  rest
	VMOVDQU (SI)(AX*1), Y0
	VPOR Y0, Y10, Y10
	PROBE
	TESTL BX, BX
	JNZ  out
	ADDQ $32, AX
	JMP  blocks

	// Of the rest only whole grams are read.
rest:
	CMPQ AX, R9
	JGT  out
	MOVQ CX, R10
	SUBQ AX, R10
	ANDQ $-4, R10
	MOVQ R11, R12
	SUBQ R10, R12
	VMOVDQU (R12), Y4
	VPMASKMOVD (SI)(AX*1), Y4, Y0
	VPOR Y0, Y10, Y10
	PROBE
	VMOVMSKPS Y4, R13
	ANDL R13, BX
	TESTL BX, BX
	JNZ  out
	ADDQ R10, AX

out:
	MOVQ AX, at+56(FP)
	MOVQ BX, grams+64(FP)
	VPMOVMSKB Y10, DX
	MOVQ DX, foreign+72(FP)
	VZEROUPPER
	RET
