package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// The emulated PC starts without a BIOS and a boot loader: emulating them takes longer than all the
// kernel does before it starts a program. The ROM reads a disk image into memory, as it is, and jumps
// into the kernel, which finds the parameters of the Linux boot protocol there
// (Documentation/arch/x86/boot.rst and zero-page.rst in the kernel's source; numbers below are offsets
// that those two fix).

const (
	sector    = 512
	page      = 4096
	megabyte  = 1 << 20
	imageBase = 16 * megabyte // where a 64-bit kernel wants to be, or above
	lowMemory = 0x9f000       // the kernel expects the BIOS's data area behind
)

// layout says what of the image comes where, in physical memory.
type layout struct {
	params  uint32 // the zero page, and with it the image
	command uint32 // the kernel's command line
	initrd  uint32
	kernel  uint32 // in front of free memory, because it unpacks itself in place
	sectors uint32 // of the whole image
}

// bootImage puts kernel, command line and initrd together as they will be in memory.
func bootImage(bzImage []byte, command string, initrd []byte, memory int) ([]byte, layout, error) {
	k, err := parseKernel(bzImage)
	if err != nil {
		return nil, layout{}, err
	}
	if len(command) >= page {
		return nil, layout{}, fmt.Errorf("the kernel's command line has %d bytes, more than %d", len(command), page)
	}
	l := layout{params: imageBase, command: imageBase + page, initrd: imageBase + 2*page}
	l.kernel = alignUp(l.initrd+uint32(len(initrd)), k.alignment)
	if need := uint64(l.kernel) + uint64(k.size); need > uint64(memory)*megabyte {
		return nil, layout{}, fmt.Errorf("the tests need %d MB of memory to start: raise -memory", need/megabyte+1)
	}
	image := make([]byte, alignUp(l.kernel+uint32(len(k.code)), sector)-imageBase)
	l.sectors = uint32(len(image) / sector)
	copy(image[l.params-imageBase:], zeroPage(k, l, len(initrd), memory))
	copy(image[l.command-imageBase:], command)
	copy(image[l.initrd-imageBase:], initrd)
	copy(image[l.kernel-imageBase:], k.code)
	return image, l, nil
}

// kernel is what a bzImage holds.
type kernel struct {
	header    []byte // from setupHeader on
	code      []byte // 32-bit entry point first
	alignment uint32
	size      uint32 // memory it needs until it runs
}

const setupHeader = 0x1f1

func parseKernel(bzImage []byte) (kernel, error) {
	le := binary.LittleEndian
	if len(bzImage) < 0x268 || string(bzImage[0x202:0x206]) != "HdrS" {
		return kernel{}, errors.New("it is no bzImage of Linux for x86")
	}
	if version := le.Uint16(bzImage[0x206:]); version < 0x20a {
		return kernel{}, fmt.Errorf("its boot protocol is %#x, older than 0x20a", version)
	}
	headerEnd, codeStart := 0x202+int(bzImage[0x201]), (int(bzImage[setupHeader])+1)*sector
	k := kernel{alignment: le.Uint32(bzImage[0x230:]), size: le.Uint32(bzImage[0x260:])}
	if codeStart > len(bzImage) || headerEnd > codeStart || k.alignment == 0 || bzImage[0x234] == 0 {
		return kernel{}, errors.New("its header is broken, or it is not relocatable")
	}
	k.header, k.code = bzImage[setupHeader:headerEnd], bzImage[codeStart:]
	return k, nil
}

// zeroPage holds all that the kernel learns from whoever loads it.
func zeroPage(k kernel, l layout, initrdSize, memory int) []byte {
	le := binary.LittleEndian
	z := make([]byte, page)
	copy(z[setupHeader:], k.header)
	le.PutUint16(z[0x1fa:], 0xffff) // video mode: as it is
	z[0x210] = 0xff                 // boot loader: without a number of its own
	le.PutUint32(z[0x214:], l.kernel)
	le.PutUint32(z[0x218:], l.initrd)
	le.PutUint32(z[0x21c:], uint32(initrdSize))
	le.PutUint32(z[0x228:], l.command)
	ram := [][2]uint64{{0, lowMemory}, {megabyte, uint64(memory-1) * megabyte}} // address and size
	z[0x1e8] = byte(len(ram))
	for i, r := range ram {
		entry := z[0x2d0+20*i:]
		le.PutUint64(entry, r[0])
		le.PutUint64(entry[8:], r[1])
		le.PutUint32(entry[16:], 1) // usable
	}
	return z
}

// The ROM fills the last 64 KB below 4 GB, where the CPU fetches its first instruction. Its offsets
// are those in the segment that the CPU starts in.
const (
	romSize  = 64 << 10
	romStart = 0xff00 // the code
	romGDTR  = 0xff80 // size and address of the table of segments
	romGDT   = 0xff90
	romReset = 0xfff0 // the first instruction
	romHigh  = 0xffff_0000
)

// bootROM reads the image from the first disk and starts the kernel.
func bootROM(l layout) []byte {
	rom := make([]byte, romSize)
	copy(rom[romReset:], []byte{0xe9, 0x0d, 0xff}) // jmp romStart
	copy(rom[romGDTR:], little(uint16(4*8-1), uint32(romHigh+romGDT)))
	copy(rom[romGDT:], little(
		uint64(0), uint64(0),
		uint64(0x00cf_9b00_0000_ffff),  // 0x10: code, all of memory
		uint64(0x00cf_9300_0000_ffff))) // 0x18: data, all of memory
	copy(rom[romStart:], bytes.Join([][]byte{
		{0xfa}, // cli
		{0x2e, 0x66, 0x0f, 0x01, 0x16, 0x80, 0xff},       // lgdtl %cs:romGDTR
		{0x0f, 0x20, 0xc0},                               // mov %cr0, %eax
		{0x0c, 0x01},                                     // or $1, %al
		{0x0f, 0x22, 0xc0},                               // mov %eax, %cr0: protected mode
		{0x66, 0xea, 0x18, 0xff, 0xff, 0xff, 0x10, 0x00}, // ljmpl $0x10, $romHigh+romStart+0x18
		{0xb8, 0x18, 0x00, 0x00, 0x00},                   // mov $0x18, %eax
		{0x8e, 0xd8},                                     // mov %eax, %ds
		{0x8e, 0xc0},                                     // mov %eax, %es
		{0x8e, 0xd0},                                     // mov %eax, %ss
		{0xbf}, little(l.params),                         // mov $params, %edi
		{0x89, 0xfe}, // mov %edi, %esi: where the kernel looks for them
		{0x31, 0xdb}, // xor %ebx, %ebx: number of the sector
		// read:
		{0xba, 0xf2, 0x01, 0x00, 0x00}, // mov $0x1f2, %edx: registers of the disk
		{0xb0, 0x01, 0xee, 0x42},       // mov $1, %al; out %al, %dx; inc %edx: one sector
		{0x89, 0xd8, 0xee, 0x42},       // mov %ebx, %eax; out %al, %dx; inc %edx
		{0xc1, 0xe8, 0x08, 0xee, 0x42}, // shr $8, %eax; out %al, %dx; inc %edx
		{0xc1, 0xe8, 0x08, 0xee, 0x42}, // shr $8, %eax; out %al, %dx; inc %edx
		{0xb0, 0xe0, 0xee, 0x42},       // mov $0xe0, %al; out %al, %dx; inc %edx: LBA
		{0xb0, 0x20, 0xee},             // mov $0x20, %al; out %al, %dx: read
		// wait:
		{0xec},                          // in %dx, %al
		{0x24, 0x88},                    // and $0x88, %al: busy, data
		{0x3c, 0x08},                    // cmp $8, %al
		{0x75, 0xf9},                    // jne wait
		{0xb2, 0xf0},                    // mov $0xf0, %dl
		{0xb9, 0x00, 0x01, 0x00, 0x00},  // mov $256, %ecx
		{0x66, 0xf3, 0x6d},              // rep insw
		{0x43},                          // inc %ebx
		{0x81, 0xfb}, little(l.sectors), // cmp $sectors, %ebx
		{0x72, 0xc8},                         // jb read
		{0x31, 0xdb, 0x31, 0xed, 0x31, 0xff}, // xor %ebx, %ebx; xor %ebp, %ebp; xor %edi, %edi
		{0xb8}, little(l.kernel),             // mov $kernel, %eax
		{0xff, 0xe0}, // jmp *%eax
	}, nil))
	return rom
}

// little is the values' bytes, as x86 wants them. All have a fixed size: others would be left out.
func little(values ...any) []byte {
	var b []byte
	for _, v := range values {
		b, _ = binary.Append(b, binary.LittleEndian, v)
	}
	return b
}

// alignUp rounds n up to a multiple of unit.
func alignUp(n, unit uint32) uint32 { return (n + unit - 1) / unit * unit }
