// Command server is Weaviate with the ColPali module and the plaid index inside.
// It takes the flags and the environment of Weaviate's own server and differs
// from it only by what `make server` patches in, see tools/dev/build.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/go-openapi/loads"
	"github.com/jessevdk/go-flags"
	"github.com/weaviate/weaviate/adapters/handlers/rest"
	"github.com/weaviate/weaviate/adapters/handlers/rest/operations"

	"weaviate-colpali/module/seams"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run does what the main function of Weaviate's own server does.
func run() (err error) {
	if err := seams.Check(); err != nil {
		return err
	}

	spec, err := loads.Embedded(rest.SwaggerJSON, rest.FlatSwaggerJSON)
	if err != nil {
		return fmt.Errorf("load the embedded API specification: %w", err)
	}
	api := operations.NewWeaviateAPI(spec)
	server := rest.NewServer(api)
	defer func() { err = errors.Join(err, server.Shutdown()) }()

	parser := flags.NewParser(server, flags.HelpFlag|flags.PassDoubleDash)
	parser.ShortDescription = "Weaviate with ColPali"
	parser.LongDescription = "Weaviate's server with the module multi2multivec-colpali and the index option multivector.plaid."
	server.ConfigureFlags()
	for _, group := range api.CommandLineOptionsGroups {
		if _, err := parser.AddGroup(group.ShortDescription, group.LongDescription, group.Options); err != nil {
			return fmt.Errorf("add the flags %q: %w", group.ShortDescription, err)
		}
	}
	if _, err := parser.Parse(); err != nil {
		var flagError *flags.Error
		if errors.As(err, &flagError) && flagError.Type == flags.ErrHelp {
			_, err = fmt.Fprintln(os.Stdout, flagError.Message)
		}
		return err
	}

	server.ConfigureAPI()
	return server.Serve()
}
