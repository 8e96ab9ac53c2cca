package main

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// interfaces is every interface that Weaviate's package db looks for in a value, and
// what we do about it. The comment of package module/plaid says more.
var interfaces = map[string]string{
	"VectorIndex":       "the index implements it",
	"VectorIndexMulti":  "the index implements it",
	"upgradableIndexer": "it is complete from the start and never stops the queue for an upgrade",
	"perVectorDropper":  "its Drop reaches no further than its folder",
	"dynamic.Index":     "it is not the index type dynamic, which turns into another",

	"ShardLike":                  "it is not asked of an index",
	"asyncReplicationController": "it is not asked of an index",
	"migrationDisplacer":         "it is not asked of an index",
	"interface{Unwrap}":          "it is asked of an error",
}

// A new release that looks for another one may expect something of the index: then
// this test fails, and who bumps the release decides.
func TestWeaviateLooksForNoOtherInterfaceInAnIndex(t *testing.T) {
	module, err := findWeaviate(context.Background())
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(module.Dir, "adapters", "repos", "db", "*.go"))
	require.NoError(t, err)
	var parsed []*ast.File
	for _, file := range files {
		name := filepath.Base(file)
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "mock_") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		parsed = append(parsed, tree)
	}
	own := interfacesOf(parsed)
	require.Contains(t, own, "VectorIndex")
	found := map[string]bool{}
	for _, file := range parsed {
		for name := range asserted(file, own) {
			found[name] = true
		}
	}
	require.Equal(t, slices.Sorted(maps.Keys(interfaces)), slices.Sorted(maps.Keys(found)))
}

// interfacesOf is the names of the interfaces that a package declares.
func interfacesOf(files []*ast.File) map[string]bool {
	names := map[string]bool{}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if _, ok := spec.Type.(*ast.InterfaceType); ok {
					names[spec.Name.Name] = true
				}
			}
			return true
		})
	}
	return names
}

// asserted is the interfaces of the file's own package or without a name, and the
// types of the packages of vector indexes, that a value in the file is asked to be.
func asserted(file *ast.File, own map[string]bool) map[string]bool {
	names := map[string]bool{}
	note := func(asked ast.Expr) {
		switch asked := asked.(type) {
		case *ast.Ident:
			if own[asked.Name] {
				names[asked.Name] = true
			}
		case *ast.InterfaceType:
			var methods []string
			for _, method := range asked.Methods.List {
				for _, name := range method.Names {
					methods = append(methods, name.Name)
				}
			}
			if len(methods) > 0 { // any is looked for everywhere
				names["interface{"+strings.Join(methods, ", ")+"}"] = true
			}
		case *ast.SelectorExpr:
			if pkg, ok := asked.X.(*ast.Ident); ok && ofVectorIndexes(file, pkg.Name) {
				names[pkg.Name+"."+asked.Sel.Name] = true
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.TypeAssertExpr:
			note(n.Type)
		case *ast.TypeSwitchStmt:
			for _, clause := range n.Body.List {
				for _, asked := range clause.(*ast.CaseClause).List {
					note(asked)
				}
			}
		}
		return true
	})
	return names
}

// ofVectorIndexes reports whether a name in a file means a package of vector indexes.
func ofVectorIndexes(file *ast.File, name string) bool {
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil || !strings.Contains(imported, "/adapters/repos/db/vector/") {
			continue
		}
		if spec.Name != nil && spec.Name.Name == name || spec.Name == nil && strings.HasSuffix(imported, "/"+name) {
			return true
		}
	}
	return false
}
