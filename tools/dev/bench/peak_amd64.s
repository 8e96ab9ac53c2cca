// The loops of peak_amd64.go: each is one instruction, or one sequence, on registers alone, over and over.
//
// They are written by hand and not generated as the kernels of maxsim are: there is no address to compute
// and no register to allocate, and a yardstick should not come out of the workshop whose work it measures.
//
// How many sums are under way matters: an FMA or a VPDPBUSD takes 4 or 5 cycles and two can start in each,
// so fewer than 10 independent sums would measure the latency.

#include "textflag.h"

// Every lane of a register becomes 1.0 (0x3f800000), or the bytes 0x3f80, which suit the integer loops, too:
// zeros would need less power than real data and could run at a higher clock.
#define ONES_Y(r) \
	VPCMPEQD r, r, r \
	VPSRLD   $25, r, r \
	VPSLLD   $23, r, r

#define ONES_Z(r) \
	VPTERNLOGD $0xff, r, r, r \
	VPSRLD     $25, r, r \
	VPSLLD     $23, r, r

#define CLEAR_12 \
	VPXOR X0, X0, X0 \
	VPXOR X1, X1, X1 \
	VPXOR X2, X2, X2 \
	VPXOR X3, X3, X3 \
	VPXOR X4, X4, X4 \
	VPXOR X5, X5, X5 \
	VPXOR X6, X6, X6 \
	VPXOR X7, X7, X7 \
	VPXOR X8, X8, X8 \
	VPXOR X9, X9, X9 \
	VPXOR X10, X10, X10 \
	VPXOR X11, X11, X11

// func fmaYMM(loops int)
TEXT ·fmaYMM(SB), NOSPLIT, $0-8
	MOVQ loops+0(FP), CX
	CLEAR_12
	ONES_Y(Y12)
	ONES_Y(Y13)

fma_ymm:
	VFMADD231PS Y12, Y13, Y0
	VFMADD231PS Y12, Y13, Y1
	VFMADD231PS Y12, Y13, Y2
	VFMADD231PS Y12, Y13, Y3
	VFMADD231PS Y12, Y13, Y4
	VFMADD231PS Y12, Y13, Y5
	VFMADD231PS Y12, Y13, Y6
	VFMADD231PS Y12, Y13, Y7
	VFMADD231PS Y12, Y13, Y8
	VFMADD231PS Y12, Y13, Y9
	VFMADD231PS Y12, Y13, Y10
	VFMADD231PS Y12, Y13, Y11
	DECQ        CX
	JNZ         fma_ymm
	VZEROUPPER
	RET

// func fmaZMM(loops int)
TEXT ·fmaZMM(SB), NOSPLIT, $0-8
	MOVQ loops+0(FP), CX
	CLEAR_12
	ONES_Z(Z12)
	ONES_Z(Z13)

fma_zmm:
	VFMADD231PS Z12, Z13, Z0
	VFMADD231PS Z12, Z13, Z1
	VFMADD231PS Z12, Z13, Z2
	VFMADD231PS Z12, Z13, Z3
	VFMADD231PS Z12, Z13, Z4
	VFMADD231PS Z12, Z13, Z5
	VFMADD231PS Z12, Z13, Z6
	VFMADD231PS Z12, Z13, Z7
	VFMADD231PS Z12, Z13, Z8
	VFMADD231PS Z12, Z13, Z9
	VFMADD231PS Z12, Z13, Z10
	VFMADD231PS Z12, Z13, Z11
	DECQ        CX
	JNZ         fma_zmm
	VZEROUPPER
	RET

// func vnniYMM(loops int)
TEXT ·vnniYMM(SB), NOSPLIT, $0-8
	MOVQ loops+0(FP), CX
	CLEAR_12
	ONES_Y(Y12)
	ONES_Y(Y13)

vnni_ymm:
	VPDPBUSD Y12, Y13, Y0
	VPDPBUSD Y12, Y13, Y1
	VPDPBUSD Y12, Y13, Y2
	VPDPBUSD Y12, Y13, Y3
	VPDPBUSD Y12, Y13, Y4
	VPDPBUSD Y12, Y13, Y5
	VPDPBUSD Y12, Y13, Y6
	VPDPBUSD Y12, Y13, Y7
	VPDPBUSD Y12, Y13, Y8
	VPDPBUSD Y12, Y13, Y9
	VPDPBUSD Y12, Y13, Y10
	VPDPBUSD Y12, Y13, Y11
	DECQ     CX
	JNZ      vnni_ymm
	VZEROUPPER
	RET

// func vnniZMM(loops int)
TEXT ·vnniZMM(SB), NOSPLIT, $0-8
	MOVQ loops+0(FP), CX
	CLEAR_12
	ONES_Z(Z12)
	ONES_Z(Z13)

vnni_zmm:
	VPDPBUSD Z12, Z13, Z0
	VPDPBUSD Z12, Z13, Z1
	VPDPBUSD Z12, Z13, Z2
	VPDPBUSD Z12, Z13, Z3
	VPDPBUSD Z12, Z13, Z4
	VPDPBUSD Z12, Z13, Z5
	VPDPBUSD Z12, Z13, Z6
	VPDPBUSD Z12, Z13, Z7
	VPDPBUSD Z12, Z13, Z8
	VPDPBUSD Z12, Z13, Z9
	VPDPBUSD Z12, Z13, Z10
	VPDPBUSD Z12, Z13, Z11
	DECQ     CX
	JNZ      vnni_zmm
	VZEROUPPER
	RET

// 32 multiplications and additions in three instructions. Only the last one depends on the loop before, and
// it takes one cycle, so six sums are plenty.
#define MADD(sum, temp) \
	VPMADDUBSW Y12, Y13, temp \
	VPMADDWD   temp, Y14, temp \
	VPADDD     temp, sum, sum

// func maddYMM(loops int)
TEXT ·maddYMM(SB), NOSPLIT, $0-8
	MOVQ loops+0(FP), CX
	CLEAR_12
	ONES_Y(Y12)
	ONES_Y(Y13)
	ONES_Y(Y14)

madd_ymm:
	MADD(Y0, Y6)
	MADD(Y1, Y7)
	MADD(Y2, Y8)
	MADD(Y3, Y9)
	MADD(Y4, Y10)
	MADD(Y5, Y11)
	DECQ CX
	JNZ  madd_ymm
	VZEROUPPER
	RET

// func readYMM(memory *byte, blocks int)
TEXT ·readYMM(SB), NOSPLIT, $0-16
	MOVQ memory+0(FP), SI
	MOVQ blocks+8(FP), CX
	CLEAR_12

read_ymm:
	VPOR (SI), Y0, Y0
	VPOR 32(SI), Y1, Y1
	VPOR 64(SI), Y2, Y2
	VPOR 96(SI), Y3, Y3
	VPOR 128(SI), Y4, Y4
	VPOR 160(SI), Y5, Y5
	VPOR 192(SI), Y6, Y6
	VPOR 224(SI), Y7, Y7
	ADDQ $256, SI
	DECQ CX
	JNZ  read_ymm
	VZEROUPPER
	RET

// func hasF16C() bool
TEXT ·hasF16C(SB), NOSPLIT, $0-1
	MOVL $1, AX
	XORL CX, CX
	CPUID
	SHRL $29, CX
	ANDL $1, CX
	MOVB CX, ret+0(FP)
	RET
