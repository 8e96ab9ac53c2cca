// Command inspect prints what an index left on disk, and verifies all of it.
//
//	go run ./tools/dev/inspect [-v] DIR|FILE...
//
// A line says of a file whether it is sound and what it holds, -v prints every section of it. An
// index is a folder NAME.plaid.d below that of its shard; the server may run meanwhile. The exit
// status is 1 when something is damaged. multivector/FORMAT.md explains what is printed.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"weaviate-colpali/multivector"
)

func main() {
	verbose := flag.Bool("v", false, "print every section, and where it lies")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: inspect [-v] DIR|FILE...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(os.Stdout, flag.Args(), *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "inspect:", err)
		os.Exit(1)
	}
}

// run goes on after an error, so that one damaged file does not hide another.
func run(w io.Writer, names []string, verbose bool) (err error) {
	for _, name := range names {
		if len(names) > 1 {
			fmt.Fprintf(w, "%s:\n", name)
		}
		err = errors.Join(err, multivector.Inspect(w, name, verbose))
	}
	return err
}
