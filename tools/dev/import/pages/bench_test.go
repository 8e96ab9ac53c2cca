package pages

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/tools/dev/import/internal/samples"
)

// BenchmarkPage renders pages of text, with one reader.
func BenchmarkPage(b *testing.B) {
	const pages = 20
	path := filepath.Join(b.TempDir(), "a.pdf")
	require.NoError(b, os.WriteFile(path, samples.PDF(pages), 0o600))
	for _, format := range []Format{Auto, JPEG, PNG} {
		for _, size := range []int{1536, 2048} {
			b.Run(string(format)+"/"+strconv.Itoa(size), func(b *testing.B) {
				engine := NewEngine(Options{Readers: 1, Size: size, Format: format, PageTimeout: time.Minute})
				defer func() { require.NoError(b, engine.Close()) }()
				r := engine.NewReader()
				defer r.Close()
				d, err := r.Inspect(b.Context(), path)
				require.NoError(b, err)
				bytes := 0
				for n := 0; b.Loop(); n++ {
					p, err := r.Page(b.Context(), d, n%pages+1)
					require.NoError(b, err)
					bytes += len(p.Blob)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pages/s")
				b.ReportMetric(float64(bytes)/float64(b.N)/1e3, "KB/page")
			})
		}
	}
}
