#include "textflag.h"

DATA lower<>+0(SB)/4, $0x20202020
GLOBL lower<>(SB), RODATA|NOPTR, $4
DATA nibble<>+0(SB)/4, $0x0f0f0f0f
GLOBL nibble<>(SB), RODATA|NOPTR, $4

// BYTE looks up the bytes in Y0, whose lower and upper halves the tables low and high are about.
#define BYTE(low, high) \
	VPOR Y6, Y0, Y0 \
	VPSRLW $4, Y0, Y1 \
	VPAND Y7, Y0, Y0 \
	VPAND Y7, Y1, Y1 \
	VPSHUFB Y0, low, Y0 \
	VPSHUFB Y1, high, Y1 \
	VPAND Y0, Y1, Y0

// PROBE looks up the 32 quads that begin at SI+AX. It leaves a bit for each that may be wanted in BX, and for each first
// byte outside ASCII in DX.
#define PROBE \
	VMOVDQU (SI)(AX*1), Y0 \
	VPMOVMSKB Y0, DX \
	BYTE(Y8, Y9) \
	VMOVDQA Y0, Y2 \
	VMOVDQU 1(SI)(AX*1), Y0 \
	BYTE(Y10, Y11) \
	VPAND Y0, Y2, Y2 \
	VMOVDQU 2(SI)(AX*1), Y0 \
	BYTE(Y12, Y13) \
	VPAND Y0, Y2, Y2 \
	VMOVDQU 3(SI)(AX*1), Y0 \
	BYTE(Y14, Y15) \
	VPAND Y0, Y2, Y2 \
	VPCMPEQB Y5, Y2, Y2 \
	VPMOVMSKB Y2, BX \
	NOTL BX

// func nextQuad(texts []string, index, from, shortest int, masks *[128]byte) (text, at int, found, foreign uint64)
TEXT ·nextQuad(SB), NOSPLIT, $0-88
	MOVQ texts_base+0(FP), DI
	MOVQ texts_len+8(FP), R8
	MOVQ index+24(FP), R9
	MOVQ from+32(FP), AX
	MOVQ shortest+40(FP), R10
	MOVQ masks+48(FP), R11
	VPBROADCASTD lower<>(SB), Y6
	VPBROADCASTD nibble<>(SB), Y7
	VBROADCASTI128 0(R11), Y8
	VBROADCASTI128 16(R11), Y9
	VBROADCASTI128 32(R11), Y10
	VBROADCASTI128 48(R11), Y11
	VBROADCASTI128 64(R11), Y12
	VBROADCASTI128 80(R11), Y13
	VBROADCASTI128 96(R11), Y14
	VBROADCASTI128 112(R11), Y15
	VPXOR Y5, Y5, Y5
	XORL R15, R15
	XORL BX, BX

text:
	CMPQ R9, R8
	JGE  out
	MOVQ R9, R12
	SHLQ $4, R12
	MOVQ 0(DI)(R12*1), SI
	MOVQ 8(DI)(R12*1), CX
	CMPQ CX, R10
	JLT  next
	LEAQ -35(CX), R13
	TESTQ R13, R13
	JLT  short

block:
	CMPQ AX, R13
	JGT  last
	PROBE
	ORL  DX, R15
	TESTL BX, BX
	JNZ  out
	ADDQ $32, AX
	JMP  block

	// The last block overlaps the one before, unless no quad is left.
last:
	MOVL -4(SI)(CX*1), R12
	ANDL $0x80808080, R12
	ORL  R12, R15
	LEAQ -3(CX), R12
	CMPQ AX, R12
	JGE  end
	MOVQ R13, AX
	PROBE
	ORL  DX, R15
	TESTL BX, BX
	JNZ  out
	MOVQ CX, AX

end:
	TESTL R15, R15
	JNZ  out
	JMP  next

	// A text of less than a block is read together with what is behind it, unless that may be on a page of its own.
short:
	TESTQ AX, AX
	JNZ  next
	MOVQ SI, R12
	ANDQ $4095, R12
	CMPQ R12, $4061
	JGT  refuse
	PROBE
	MOVL CX, R12
	MOVL $-1, R13
	CMPL CX, $32
	JGE  whole
	MOVL $1, R13
	SHLL CX, R13
	DECL R13

whole:
	ANDL R13, DX
	ORL  DX, R15
	// Behind the 32nd byte begins no quad, but what is there may be foreign.
	CMPL CX, $32
	JLE  within
	MOVL -4(SI)(CX*1), R12
	ANDL $0x80808080, R12
	ORL  R12, R15

within:
	// Quads begin up to three bytes before the end.
	SUBL $3, CX
	MOVL $1, R13
	SHLL CX, R13
	DECL R13
	ANDL R13, BX
	MOVL BX, R12
	ORL  R15, R12
	JNZ  out

next:
	INCQ R9
	XORL AX, AX
	JMP  text

refuse:
	MOVQ $-1, BX
	MOVQ BX, found+72(FP)
	JMP  give

out:
	MOVL BX, BX
	MOVQ BX, found+72(FP)

give:
	MOVQ R9, text+56(FP)
	MOVQ AX, at+64(FP)
	MOVQ R15, foreign+80(FP)
	VZEROUPPER
	RET
