package format

import (
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestThePageIsTheFormat compares the tables of FORMAT.md with what the writer
// writes.
func TestThePageIsTheFormat(t *testing.T) {
	page := readPage(t)
	for kind, sections := range layouts {
		var want [][]string
		for _, s := range sections {
			want = append(want, []string{s.name, s.element, s.count, s.meaning})
		}
		require.Equal(t, want, page.table(t, string(kind)))
	}
	requireRecord(t, page, "header", header{})
	requireRecord(t, page, "entry of the table of contents", entry{})
	requireRecord(t, page, "footer", footer{})

	var versions []string
	for version := range newest {
		versions = append(versions, strconv.Itoa(version+1))
	}
	require.Equal(t, versions, firstColumn(page.table(t, "Versions")))
}

// requireRecord compares names and sizes of fields, in order.
func requireRecord(t *testing.T, page page, title string, record any) {
	t.Helper()
	var want [][]string
	for field := range reflect.TypeOf(record).Fields() {
		want = append(want, []string{field.Name, strconv.Itoa(int(field.Type.Size()))})
	}
	var got [][]string
	for _, row := range page.table(t, title) {
		got = append(got, row[:2])
	}
	require.Equal(t, want, got, title)
}

// page is FORMAT.md.
type page string

func readPage(t *testing.T) page {
	b, err := os.ReadFile("../../FORMAT.md")
	require.NoError(t, err)
	return page(b)
}

// table is the cells of the first table below a title.
func (p page) table(t *testing.T, title string) (rows [][]string) {
	t.Helper()
	_, below, found := strings.Cut(string(p), fmt.Sprintf("# %s\n", title))
	require.True(t, found, "no title %q", title)
	for line := range strings.Lines(below) {
		switch cells := strings.Split(strings.TrimSpace(line), "|"); {
		case strings.HasPrefix(line, "#") || len(cells) < 2 && rows != nil:
			return rows[2:] // below the names of the columns and a line
		case len(cells) >= 3 && strings.HasPrefix(line, "|"):
			row := cells[1 : len(cells)-1]
			for i := range row {
				row[i] = strings.TrimSpace(row[i])
			}
			rows = append(rows, row)
		}
	}
	return rows[2:]
}

func firstColumn(rows [][]string) (column []string) {
	for _, row := range rows {
		column = append(column, row[0])
	}
	return column
}
