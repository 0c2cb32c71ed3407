//go:build !tinygo && !race

#include "textflag.h"

// func maskBlocks(p *byte, n int, k Key)
TEXT ·maskBlocks(SB), NOSPLIT, $0-20
	MOVQ   p+0(FP), AX
	MOVQ   n+8(FP), CX
	MOVL   k+16(FP), X0
	PSHUFD $0, X0, X0

loop:
	MOVOU (AX), X1
	MOVOU 16(AX), X2
	MOVOU 32(AX), X3
	MOVOU 48(AX), X4
	PXOR  X0, X1
	PXOR  X0, X2
	PXOR  X0, X3
	PXOR  X0, X4
	MOVOU X1, (AX)
	MOVOU X2, 16(AX)
	MOVOU X3, 32(AX)
	MOVOU X4, 48(AX)
	ADDQ  $64, AX
	SUBQ  $64, CX
	JNZ   loop
	RET
