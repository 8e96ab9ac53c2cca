// Command build makes the drop-in server: Weaviate with our module and our index
// inside.
//
// Weaviate has no hook for a module or an index from outside, and Go refuses to
// overlay files of the module cache. So this command makes a patched copy of the
// Weaviate release that go.mod requires, outside the module cache, and builds
// module/server with a second mod file that replaces Weaviate by the copy. The
// project's own go.mod stays plain: everything of ours compiles, vets and is
// tested against stock Weaviate, and only the server needs the copy.
//
// What changes in Weaviate is in patches.go and patches/, at a glance.
//
//	go run ./tools/dev/build            build bin/weaviate-colpali
//	go run ./tools/dev/build -check     only check that every patch still fits
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

const (
	buildDir = "build" // everything generated, ignored by git
	copyDir  = buildDir + "/weaviate"
	modfile  = buildDir + "/server.mod"
)

func main() {
	binary := flag.String("o", "bin/weaviate-colpali", "the server's path")
	check := flag.Bool("check", false, "only check that every patch fits the Weaviate release in go.mod")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *binary, *check)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary string, checkOnly bool) error {
	progress := &progress{start: time.Now()}

	module, err := findWeaviate(ctx)
	if err != nil {
		return err
	}
	if checkOnly {
		files, err := ours.patch(module.Dir)
		if err != nil {
			return err
		}
		progress.say("%d edits fit Weaviate %s; %d files are changed or added", len(edits), module.Version, len(files))
		return nil
	}

	changed, err := syncTree(copyDir, module, ours)
	if err != nil {
		return err
	}
	if err := writeModfile(modfile, copyDir); err != nil {
		return err
	}
	progress.say("patched copy of Weaviate %s in %s: %d files changed", module.Version, copyDir, changed)

	progress.say("compiling (from scratch this takes 5 to 10 minutes on 2 cores, after a change about 10 seconds)")
	return compile(ctx, progress, modfile, binary)
}

// progress tells the user what is going on, on stderr.
type progress struct{ start time.Time }

func (p *progress) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "[%5s] %s\n", time.Since(p.start).Round(time.Second), fmt.Sprintf(format, args...))
}
