package main

import (
	"embed"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// An edit changes one place of one Weaviate file. Its anchor must occur exactly
// once in that file: an anchor that a new Weaviate release moved or doubled
// stops the build instead of patching something else.
type edit struct {
	file   string // relative to the root of Weaviate's module
	anchor string
	text   string // takes the anchor's place
	why    string
}

// A patchSet is all that differs from stock Weaviate.
type patchSet struct {
	edits     []edit
	additions map[string]string // path in Weaviate's module -> file under patches/
}

//go:embed patches
var patchFiles embed.FS

// ours is everything that changes in Weaviate. What can stand in a file of its
// own is an addition: the added files hold the imports of our packages, so that
// no edit has to touch an import block.
var ours = patchSet{edits: edits, additions: additions}

var edits = []edit{
	{
		file:   "entities/vectorindex/hnsw/multivector_config.go",
		anchor: "\tAggregation  string       `json:\"aggregation\"`\n",
		text: "\tAggregation  string       `json:\"aggregation\"`\n" +
			"\tPlaid        PlaidConfig  `json:\"plaid,omitzero\"`\n",
		why: "the block is kept with the class and echoed, and left out of every other class",
	},
	{
		file:   "entities/vectorindex/hnsw/config.go",
		anchor: "\treturn uc, uc.validate()\n",
		text:   "\tuc.readPlaid(asMap)\n\treturn uc, uc.validate()\n",
		why:    "the block is read wherever a class is parsed",
	},
	{
		file:   "entities/vectorindex/hnsw/config.go",
		anchor: "if pqEnabled || sqEnabled || rqEnabled || bqEnabled || skipDefaultQuantization {",
		text:   "if pqEnabled || sqEnabled || rqEnabled || bqEnabled || skipDefaultQuantization || hnswConfig.Multivector.Plaid.Enabled {",
		why:    "the server's default quantization applies to the graph, which the block replaces",
	},
	{
		file:   "adapters/repos/db/vector/hnsw/config_update.go",
		anchor: "\t\t{\n\t\t\tname:     \"muvera enabled\",\n",
		text: "\t\t{\n\t\t\tname:     \"multivector.plaid.enabled\",\n" +
			"\t\t\taccessor: func(c ent.UserConfig) interface{} { return c.Multivector.Plaid.Enabled },\n\t\t},\n" +
			"\t\t{\n\t\t\tname:     \"muvera enabled\",\n",
		why: "an update cannot exchange the index of a class",
	},
	{
		file:   "usecases/schema/class.go",
		anchor: "\tif err := h.validateCanAddClass(ctx, cls, originalClassName, classGetterWithAuth, true); err != nil {\n",
		text: "\tif err := checkPlaid(cls); err != nil {\n\t\treturn nil, 0, err\n\t}\n\n" +
			"\tif err := h.validateCanAddClass(ctx, cls, originalClassName, classGetterWithAuth, true); err != nil {\n",
		why: "a wrong block is refused when a class is created",
	},
	{
		file:   "usecases/schema/class.go",
		anchor: "\tif err := h.parser.ParseClass(updated); err != nil {\n",
		text: "\tif err := checkPlaid(updated); err != nil {\n\t\treturn err\n\t}\n\n" +
			"\tif err := h.parser.ParseClass(updated); err != nil {\n",
		why: "a wrong block is refused when a class is updated",
	},
	{
		file:   "adapters/repos/db/shard_init_vector.go",
		anchor: "\tvar distProv distancer.Provider\n",
		text: "\tif index, enabled, err := initPlaidIndex(ctx, s, targetVector, vectorIndexUserConfig); enabled {\n" +
			"\t\treturn index, err\n\t}\n\n" +
			"\tvar distProv distancer.Provider\n",
		why: "a shard builds our index where the block is enabled",
	},
	{
		file:   "adapters/repos/db/helpers/helpers.go",
		anchor: "\t\t\tindexID + \".queue.d\",\n",
		text:   "\t\t\tindexID + \".queue.d\",\n\t\t\tindexID + \".plaid.d\",\n",
		why:    "dropping a named vector removes our folder, also where the shard is not loaded",
	},
	{
		file:   "adapters/handlers/rest/configure_api.go",
		anchor: "\tif _, ok := enabledModules[modt2vbigram.Name]; ok {\n",
		text: "\tregisterColPali(appState)\n\n" +
			"\tif _, ok := enabledModules[modt2vbigram.Name]; ok {\n",
		why: "our module is registered with Weaviate's own",
	},
	{
		file:   "usecases/traverser/explorer.go",
		anchor: "\tsearchStartTime := time.Now()\n",
		text:   "\tctx, params = beginExplanation(ctx, params)\n\tsearchStartTime := time.Now()\n",
		why:    "a query that asks why its results match gets their multi-vectors with them",
	},
	{
		file:   "adapters/clients/remote_index.go",
		anchor: "\tclusterapi.IndicesPayloads.SearchParams.SetContentTypeHeaderReq(req)\n",
		text: "\tclusterapi.IndicesPayloads.SearchParams.SetContentTypeHeaderReq(req)\n" +
			"\tif err := forwardPrecision(ctx, req); err != nil {\n\t\treturn nil, nil, nil, err\n\t}\n",
		why: "a search of a shard of another node tells it the precision that its query asks for",
	},
	{
		file:   "adapters/clients/remote_index.go",
		anchor: "\tclusterapi.IndicesPayloads.AggregationParams.SetContentTypeHeaderReq(req)\n",
		text: "\tclusterapi.IndicesPayloads.AggregationParams.SetContentTypeHeaderReq(req)\n" +
			"\tif err := forwardPrecision(ctx, req); err != nil {\n\t\treturn nil, err\n\t}\n",
		why: "so does an aggregation over the results of a search",
	},
	{
		file:   "adapters/handlers/rest/clusterapi/serve.go",
		anchor: "\tmux.Handle(\"/indices/\", monitoring.AddTracingToHTTPMiddleware(indices.Indices(), appState.Logger))\n",
		text: "\tmux.Handle(\"/indices/\", monitoring.AddTracingToHTTPMiddleware(" +
			"receivePrecision(indices.Indices()), appState.Logger))\n",
		why: "a shard is told the precision that a query of another node asks for",
	},
}

var additions = map[string]string{
	"entities/vectorindex/hnsw/zz_plaid.go": "entities_vectorindex_hnsw.go.txt",
	"usecases/schema/zz_plaid.go":           "usecases_schema.go.txt",
	"adapters/repos/db/zz_plaid.go":         "adapters_repos_db.go.txt",
	"adapters/repos/db/lsmkv/zz_plaid.go":   "adapters_repos_db_lsmkv.go.txt",
	"adapters/handlers/rest/zz_colpali.go":  "adapters_handlers_rest.go.txt",
	"adapters/clients/zz_plaid.go":          "adapters_clients.go.txt",
	"usecases/traverser/zz_colpali.go":      "usecases_traverser.go.txt",

	"adapters/handlers/rest/clusterapi/zz_plaid.go": "adapters_handlers_rest_clusterapi.go.txt",
}

// apply makes one edit in the text of its file.
func (e edit) apply(source string) (string, error) {
	if n := strings.Count(source, e.anchor); n != 1 {
		return "", fmt.Errorf("%s: the anchor %q occurs %d times, want exactly once: "+
			"this Weaviate release moved it; find the new place that serves the purpose (%s) "+
			"and correct the edit in tools/dev/build/patches.go", e.file, e.anchor, n, e.why)
	}
	return strings.Replace(source, e.anchor, e.text, 1), nil
}

// patch returns the full text of every file that differs from the stock tree in
// dir, by path.
func (p patchSet) patch(dir string) (map[string]string, error) {
	files := map[string]string{}
	for _, e := range p.edits {
		source, ok := files[e.file]
		if !ok {
			stock, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(e.file)))
			if err != nil {
				return nil, fmt.Errorf("read the file to patch, for which tools/dev/build/patches.go has an edit (%s): %w", e.why, err)
			}
			source = string(stock)
		}
		changed, err := e.apply(source)
		if err != nil {
			return nil, err
		}
		files[e.file] = changed
	}
	for path, name := range p.additions {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(path))); err == nil {
			return nil, fmt.Errorf("%s: this Weaviate release has a file of that name: rename ours in tools/dev/build/patches.go", path)
		}
		text, err := patchFiles.ReadFile("patches/" + name)
		if err != nil {
			return nil, err
		}
		files[path] = string(text)
	}
	for path, text := range files {
		if _, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution); err != nil {
			return nil, fmt.Errorf("a patched file is no Go code any more: %w", err)
		}
	}
	return files, nil
}
