package format

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Facts are what a file holds, in short. Of one that does not open only the kind is
// known.
type Facts struct {
	Kind      Kind
	Dim       int      // of vectors and of a codebook
	IDs       []uint64 // of the documents in vectors, a view
	Documents int      // in vectors, in codes and when an index was tuned
	Centroids int      // of a codebook, and of that of codes
	Vectors   uint64   // number of the file whose documents the codes are of
	Codebook  uint64   // number of the file that codes or a tuning were made with

	text string
}

// Describe reads all of a file and prints it for people: a line with the name,
// whether it is sound, and what it holds; if asked for, its sections, a line each:
// where it lies, its name, how many elements of which width it has, the first of
// them, and what they mean; then what is wrong. The name tells the kind.
func Describe(w io.Writer, name string, b []byte, sections bool) (facts Facts, sound bool) {
	var details strings.Builder
	facts, problems := examine(&details, name, aligned(b))
	fmt.Fprintf(w, "%-25s  %-7s  %12d bytes", name, verdict(problems), len(b))
	if facts.text != "" {
		fmt.Fprintf(w, "  %s", facts.text)
	}
	fmt.Fprintf(w, "\n")
	most := 3
	if sections {
		fmt.Fprintf(w, "%s", details.String())
		most = len(problems)
	}
	for i, problem := range problems {
		if i == most {
			fmt.Fprintf(w, "  and %d more\n", len(problems)-i)
			break
		}
		fmt.Fprintf(w, "  %v\n", problem)
	}
	return facts, len(problems) == 0
}

func verdict(problems []error) string {
	err := errors.Join(problems...)
	switch {
	case err == nil:
		return "sound"
	case errors.Is(err, ErrVersion):
		return "newer"
	case errors.Is(err, ErrCorrupt):
		return "damaged"
	default:
		return "unknown"
	}
}

// examine prints the sections and returns what is known and what is wrong.
func examine(w io.Writer, name string, b []byte) (Facts, []error) {
	_, kind, ok := ParseFileName(name)
	if !ok {
		return Facts{}, []error{errors.New("no file of the index has such a name")}
	}
	contents, err := readContents(kind, b)
	if err != nil {
		return Facts{Kind: kind}, []error{err} // nobody knows where the sections are
	}
	if problems := describeSections(w, kind, b, contents); len(problems) > 0 {
		return Facts{Kind: kind}, problems
	}
	return reopen(kind, b)
}

// describeSections prints the sections and returns those that are damaged.
func describeSections(w io.Writer, kind Kind, b []byte, contents []entry) (problems []error) {
	line := func(from, to uint64, name, elements, meaning string) {
		fmt.Fprintf(w, "  %15s  %-10s %-42s # %s\n", fmt.Sprintf("%d-%d", from, to), name, elements, meaning)
	}
	end := uint64(headerSize)
	line(0, end, "header", fmt.Sprintf("version %d", versionOf(b)), "PLAID"+string(kind))
	for i, s := range sections(kind, versionOf(b)) {
		e := contents[i]
		if err := verifySection(b, end, s.name, e); err != nil {
			problems = append(problems, err)
		}
		end = e.Offset + e.Length
		line(e.Offset, end, s.name, elements(b[e.Offset:end], s, e.Width), s.count+": "+s.meaning)
	}
	size, stop := uint64(len(b)), uint64(len(b)-footerSize)
	line(align(end), stop, "contents", fmt.Sprintf("%d entries", len(contents)), "name, width, CRC-32C, offset and length of each section")
	line(stop, size, "footer", "", "where the table of contents is")
	return problems
}

// elements is a section in short: the count, the type and the first elements.
func elements(b []byte, s section, width uint32) string {
	switch {
	case s.element == "f32":
		return some(view[float32](b), "f32")
	case width == 1:
		return some(view[uint8](b), "u8")
	case width == 2:
		return some(view[uint16](b), "u16")
	case width == 4:
		return some(view[uint32](b), "u32")
	default:
		return some(view[uint64](b), "u64")
	}
}

func some[E element](values []E, name string) string {
	const few = 4
	text := fmt.Sprintf("%d x %s", len(values), name)
	if len(values) == 0 {
		return text
	}
	verb := "%d"
	if name == "f32" {
		verb = "%.4g"
	}
	first := strings.Trim(fmt.Sprintf(verb, values[:min(few, len(values))]), "[]")
	if len(values) > few {
		first += " ..."
	}
	return text + ": " + first
}

// reopen opens a file whose sections are whole, and verifies its documents.
func reopen(kind Kind, b []byte) (Facts, []error) {
	var err error
	switch kind {
	case KindVectors:
		var v *Vectors
		if v, err = OpenVectors(b); err == nil {
			return v.facts(), verifyAll(v)
		}
	case KindCodes:
		var c *Codes
		if c, err = OpenCodes(b); err == nil {
			return c.facts(), nil
		}
	case KindCodebook:
		var c *Codebook
		if c, err = OpenCodebook(b); err == nil {
			return c.facts(), nil
		}
	case KindTuning:
		var t *Tuning
		if t, err = OpenTuning(b); err == nil {
			return t.facts(), nil
		}
	}
	return Facts{Kind: kind}, []error{err}
}

func verifyAll(v *Vectors) (problems []error) {
	for i := range v.Documents() {
		if err := v.Verify(i); err != nil {
			problems = append(problems, err)
		}
	}
	return problems
}

func (v *Vectors) facts() Facts {
	return Facts{
		Kind: KindVectors, Dim: v.dim, IDs: v.ids, Documents: v.Documents(),
		text: fmt.Sprintf("%d documents, %d rows of %d dimensions", v.Documents(), len(v.scales), v.dim),
	}
}

func (c *Codes) facts() Facts {
	documents := len(c.Offsets) - 1
	return Facts{
		Kind: KindCodes, Documents: documents, Centroids: c.Centroids, Vectors: c.Vectors, Codebook: c.Codebook,
		text: fmt.Sprintf("%d documents, %d ids of %d centroids, for %s by %s", documents, len(c.IDs16)+len(c.IDs32), c.Centroids,
			FileName(c.Vectors, KindVectors), FileName(c.Codebook, KindCodebook)),
	}
}

func (c *Codebook) facts() Facts {
	centroids, cells := len(c.Centroids)/c.Dim, len(c.Children)-1
	return Facts{
		Kind: KindCodebook, Dim: c.Dim, Centroids: centroids,
		text: fmt.Sprintf("%d centroids of %d dimensions in %d cells, trained among %d documents, mean cosine %.3f",
			centroids, c.Dim, cells, c.Documents, c.Cosine),
	}
}

func (t *Tuning) facts() Facts {
	return Facts{
		Kind: KindTuning, Documents: len(t.IDs), Codebook: t.Codebook,
		text: fmt.Sprintf("%d results among %d documents fell short by up to %.3f, after skimming by %.3f, for %s",
			len(t.Centroids), len(t.IDs), last(t.Centroids), last(t.Skimmed), FileName(t.Codebook, KindCodebook)),
	}
}

// last is the largest of numbers in order, 0 of none.
func last(numbers []float32) float32 {
	if len(numbers) == 0 {
		return 0
	}
	return numbers[len(numbers)-1]
}
