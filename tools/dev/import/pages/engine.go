package pages

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// Options of an engine.
type Options struct {
	Readers     int           // that will be used at once
	Size        int           // pixels of the longer side of a rendered page
	Format      Format        // of rendered pages
	PageTimeout time.Duration // for opening a PDF, and for each of its pages
}

// instanceMemory is all that PDFium may take for one document. It uses 20 MiB for pages of text; a scan in colour
// of A4 at 600 dpi is 139 MiB decoded.
const instanceMemory = 512 << 20

const wasmPage = 64 << 10

// Engine is what readers share: PDFium, compiled from WebAssembly, and the options.
type Engine struct {
	options Options
	once    sync.Once
	pool    pdfium.Pool
	err     error
}

// NewEngine returns an engine; it must be closed. PDFium is made ready when the first PDF comes.
func NewEngine(o Options) *Engine { return &Engine{options: o} }

// Close ends PDFium. No reader may be in use.
func (e *Engine) Close() error {
	if e.pool == nil {
		return nil
	}
	return e.pool.Close()
}

// instance is a PDFium of its own, which starts in 4 ms.
func (e *Engine) instance(ctx context.Context) (pdfium.Pdfium, error) {
	e.once.Do(func() { e.pool, e.err = e.start() })
	if e.err != nil {
		return nil, fmt.Errorf("start PDFium: %w", e.err)
	}
	return e.pool.GetInstanceWithContext(ctx)
}

// start compiles PDFium, which takes seconds and 300 MB, or reads what an earlier run compiled.
func (e *Engine) start() (pdfium.Pool, error) {
	config := wazero.NewRuntimeConfig().
		// PDFium needs exceptions: it says so in the package webassembly.
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling).
		WithMemoryLimitPages(instanceMemory / wasmPage).
		// Without it a page that takes forever could not be stopped.
		WithCloseOnContextDone(true)
	if cache := compilationCache(); cache != nil {
		config = config.WithCompilationCache(cache)
	}
	return webassembly.Init(webassembly.Config{
		MaxTotal:      e.options.Readers,
		MaxIdle:       e.options.Readers,
		RuntimeConfig: config,
		// An empty file system, no output: a PDF reaches nothing but its own bytes.
		FSConfig: wazero.NewFSConfig(),
		Stdout:   io.Discard,
		Stderr:   io.Discard,
	})
}

// compilationCache is nil where there is no folder for caches: it only saves time.
func compilationCache() wazero.CompilationCache {
	dir, err := os.UserCacheDir()
	if err != nil {
		return nil
	}
	cache, err := wazero.NewCompilationCacheWithDir(filepath.Join(dir, "weaviate-colpali-import"))
	if err != nil {
		return nil
	}
	return cache
}

// errOverTime is a page's, or the opening's, that ran longer than allowed.
func (e *Engine) errOverTime() error {
	return fmt.Errorf("%w: not rendered within %s: allow more with -page-timeout", ErrLimit, e.options.PageTimeout)
}

// within runs f, which uses the instance, no longer than a page may take. When it is over time, or ctx ends, the
// instance is killed; nothing may use it after an error.
func (e *Engine) within(ctx context.Context, instance pdfium.Pdfium, f func() error) error {
	limited, cancel := context.WithTimeoutCause(ctx, e.options.PageTimeout, e.errOverTime())
	defer cancel()
	killed := make(chan struct{})
	stop := context.AfterFunc(limited, func() {
		defer close(killed)
		_ = instance.Kill() // it is gone anyway
	})
	err := f()
	if !stop() {
		<-killed
		return context.Cause(limited)
	}
	return err
}
