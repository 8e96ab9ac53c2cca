// Package samples makes the PDFs and images of the tests: good ones, and ones that somebody might send to do harm.
package samples

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

// Words on each page of [PDF], with its number: a word that no other page has.
func Words(page int) string {
	return fmt.Sprintf("Ledger %d records parcel K%05d", page, page*7919%100_000)
}

// PDF has so many pages of A4 with a title and text.
func PDF(pages int) []byte { return output(document(pages)) }

// EncryptedPDF asks for a password.
func EncryptedPDF() []byte {
	pdf := document(2)
	pdf.SetProtection(fpdf.CnProtectPrint, "secret", "owner")
	return output(pdf)
}

func document(pages int) *fpdf.Fpdf {
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.SetCreationDate(time.Unix(0, 0)) // the same bytes at every call
	pdf.SetModificationDate(time.Unix(0, 0))
	pdf.SetCatalogSort(true)
	for n := range pages {
		pdf.AddPage()
		pdf.SetFont("Helvetica", "B", 28)
		pdf.MultiCell(0, 14, Words(n+1), "", "L", false)
		pdf.SetFont("Helvetica", "", 11)
		for line := range 40 {
			pdf.Cell(0, 5.5, fmt.Sprintf("%d.%d The quick brown fox jumps over the lazy dog and runs along the river.", n+1, line+1))
			pdf.Ln(5.5)
		}
	}
	return pdf
}

func output(pdf *fpdf.Fpdf) []byte {
	var b bytes.Buffer
	if err := pdf.Output(&b); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// Raw is a PDF of given pages, each by its MediaBox and its content. Of the objects more, the first is object 3,
// which pages know as /X.
func Raw(pages [][2]string, more ...string) []byte {
	first := 3 + len(more)
	var kids strings.Builder
	objects := append([]string{"<< /Type /Catalog /Pages 2 0 R >>", ""}, more...)
	for i, page := range pages {
		fmt.Fprintf(&kids, "%d 0 R ", first+2*i)
		resources := ""
		if len(more) > 0 {
			resources = "/Resources << /XObject << /X 3 0 R >> >> "
		}
		objects = append(objects,
			fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox %s %s/Contents %d 0 R >>", page[0], resources, first+2*i+1),
			fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(page[1]), page[1]))
	}
	objects[1] = fmt.Sprintf("<< /Type /Pages /Count %d /Kids [ %s] >>", len(pages), kids.String())
	return assemble(objects)
}

func assemble(objects []string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	offsets := make([]int, len(objects))
	for i, object := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	table := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, offset := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, table)
	return b.Bytes()
}

const (
	a4    = "[0 0 595 842]"
	drawX = "/X Do"
)

// SlowPDF has pages that take hours: drawings that draw drawings, ten times each, ten levels deep.
func SlowPDF(pages int) []byte {
	const levels, each = 10, 10
	var forms []string
	for level := range levels {
		content, resources := strings.Repeat("/F Do ", each), fmt.Sprintf("/Resources << /XObject << /F %d 0 R >> >>", 4+level)
		if level == levels-1 {
			content, resources = strings.Repeat("0 0 595 842 re f ", each), ""
		}
		forms = append(forms, fmt.Sprintf("<< /Type /XObject /Subtype /Form /BBox %s %s /Length %d >>\nstream\n%s\nendstream",
			a4, resources, len(content), content))
	}
	all := make([][2]string, pages)
	for i := range all {
		all[i] = [2]string{a4, drawX}
	}
	return Raw(all, forms...)
}

// LyingPDF has one page, and says that it has so many.
func LyingPDF(pages int) []byte {
	return assemble([]string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		fmt.Sprintf("<< /Type /Pages /Count %d /Kids [ 3 0 R ] >>", pages),
		fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox %s >>", a4),
	})
}

// BombPDF has a page whose content is 600 MB of nothing in 600 KB, and one without.
func BombPDF() []byte {
	const megabytes = 600
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	nothing := bytes.Repeat([]byte{' '}, 1<<20)
	for range megabytes {
		if _, err := w.Write(nothing); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	bomb := fmt.Sprintf("<< /Type /XObject /Subtype /Form /BBox %s /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream",
		a4, packed.Len(), packed.String())
	return Raw([][2]string{{a4, drawX}, {a4, "0 0 100 100 re f"}}, bomb)
}

// PNG is a picture of one colour.
func PNG(width, height int, c color.Color) []byte {
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			picture.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// TIFF has a frame of 8 x 6 pixels in each of the shades of gray. A frame of shade 0 is marked as a preview.
func TIFF(order binary.AppendByteOrder, shades ...byte) []byte {
	const width, height = 8, 6
	mark := "II"
	if order.AppendUint16(nil, 1)[0] == 0 {
		mark = "MM"
	}
	b := order.AppendUint32(order.AppendUint16([]byte(mark), 42), 8)
	for i, shade := range shades {
		preview := uint32(0)
		if shade == 0 {
			preview = 1
		}
		entries := [][3]uint32{ // tag, type, value
			{254, 4, preview},
			{256, 4, width},
			{257, 4, height},
			{258, 3, 8},
			{259, 3, 1},
			{262, 3, 1},
			{273, 4, 0},
			{277, 3, 1},
			{278, 4, height},
			{279, 4, width * height},
		}
		pixels := len(b) + 2 + 12*len(entries) + 4
		entries[6][2] = uint32(pixels)
		b = order.AppendUint16(b, uint16(len(entries)))
		for _, e := range entries {
			b = order.AppendUint32(order.AppendUint16(order.AppendUint16(b, uint16(e[0])), uint16(e[1])), 1)
			if e[1] == 3 {
				b = order.AppendUint16(order.AppendUint16(b, uint16(e[2])), 0)
			} else {
				b = order.AppendUint32(b, e[2])
			}
		}
		next := uint32(pixels + width*height)
		if i == len(shades)-1 {
			next = 0
		}
		b = order.AppendUint32(b, next)
		b = append(b, bytes.Repeat([]byte{shade}, width*height)...)
	}
	return b
}
