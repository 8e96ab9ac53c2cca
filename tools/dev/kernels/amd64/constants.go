package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// made is the constants that are in the file already.
var made = map[string]Mem{}

// constant is 32 bytes of read-only memory with copies of one number.
func constant(name string, number Constant, size int) Mem {
	if at, ok := made[name]; ok {
		return at
	}
	at := GLOBL(name, attr.RODATA|attr.NOPTR)
	for offset := 0; offset < 32; offset += size {
		DATA(offset, number)
	}
	made[name] = at
	return at
}

func bytes(x uint8) Mem        { return constant(fmt.Sprintf("bytes%d", x), U8(x), 1) }
func words(x uint16) Mem       { return constant(fmt.Sprintf("words%d", x), U16(x), 2) }
func doublewords(x uint32) Mem { return constant(fmt.Sprintf("doublewords%d", x), U32(x), 4) }
func float(x float32) Mem      { return constant(fmt.Sprintf("floats%v", x), F32(x), 4) }

// double is named, as a minus sign is no part of a name.
func double(name string, x float64) Mem { return constant("doubles"+name, F64(x), 8) }
