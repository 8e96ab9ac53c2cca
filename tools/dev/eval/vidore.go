package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// openTables reads the layout of ViDoRe v2 and v3: the tables corpus (corpus-id, image{bytes, path}), queries
// (query-id, query, and perhaps language) and qrels (query-id, corpus-id, score), each a folder of parquet files. v3
// writes underscores.
func openTables(dir, language string) (set, error) {
	var s set
	wanted := []column{{"query-id", "query_id"}, {"query"}}
	if language != "" {
		wanted = append(wanted, column{"language"})
	}
	err := readTable(parquets(filepath.Join(dir, "queries")), wanted, func(row []parquet.Value) error {
		if language == "" || row[2].String() == language {
			s.queries = append(s.queries, query{row[0].String(), row[1].String()})
		}
		return nil
	})
	if err != nil {
		return s, err
	}
	qrels := []column{{"query-id", "query_id"}, {"corpus-id", "corpus_id"}, {"score"}}
	err = readTable(parquets(filepath.Join(dir, "qrels")), qrels, func(row []parquet.Value) error {
		grade, err := strconv.ParseFloat(row[2].String(), 64)
		s.judge(row[0].String(), row[1].String(), int(grade))
		return err
	})
	s.pages = func(yield func(page) error) error {
		corpus := []column{{"corpus-id", "corpus_id"}, {"image.bytes"}}
		return readTable(parquets(filepath.Join(dir, "corpus")), corpus, func(row []parquet.Value) error {
			return yield(page{row[0].String(), row[1].Clone().ByteArray()})
		})
	}
	return s, err
}

// openOneTable reads the layout of ViDoRe v1: rows of image{bytes, path}, image_filename and query. The page of a
// row answers its query; a page that several rows show is one page, and a query that several rows ask is one query
// that each of their pages answers. Rows without a query only add their page.
func openOneTable(files []string) (set, error) {
	var s set
	err := readTable(files, []column{{"image_filename"}, {"query"}}, func(row []parquet.Value) error {
		if row[1].IsNull() {
			return nil
		}
		text := row[1].String()
		if s.relevant[text] == nil {
			s.queries = append(s.queries, query{text, text})
		}
		s.judge(text, row[0].String(), 1)
		return nil
	})
	s.pages = func(yield func(page) error) error {
		seen := map[string]bool{}
		return readTable(files, []column{{"image_filename"}, {"image.bytes"}}, func(row []parquet.Value) error {
			id := row[0].String()
			if seen[id] {
				return nil
			}
			seen[id] = true
			return yield(page{id, row[1].Clone().ByteArray()})
		})
	}
	return s, err
}

// column is a column by any of its names; a dot stands before the field of a struct.
type column []string

// readTable calls f with the wanted columns of every row, a few rows in memory at a time. The values are only valid
// during the call.
func readTable(files []string, wanted []column, f func(row []parquet.Value) error) error {
	if len(files) == 0 {
		return errors.New("a table of queries, qrels or pages has no parquet files")
	}
	for _, file := range files {
		if err := readParquet(file, wanted, f); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
	}
	return nil
}

func readParquet(name string, wanted []column, f func(row []parquet.Value) error) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	var table *parquet.File
	err = surviving(func() (err error) {
		table, err = parquet.OpenFile(file, info.Size())
		return err
	})
	if err != nil {
		return err
	}
	place := map[int]int{} // of a column of the file among the wanted
	for i, c := range wanted {
		at, err := c.find(table.Schema())
		if err != nil {
			return err
		}
		place[at] = i
	}
	for _, group := range table.RowGroups() {
		if err := readRows(group, place, f); err != nil {
			return err
		}
	}
	return nil
}

func readRows(group parquet.RowGroup, place map[int]int, f func(row []parquet.Value) error) (err error) {
	var rows parquet.Rows
	if err := surviving(func() error {
		rows = group.Rows()
		return nil
	}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, surviving(rows.Close)) }()
	buffer := make([]parquet.Row, 4)
	for {
		n := 0
		readErr := surviving(func() (err error) {
			n, err = rows.ReadRows(buffer)
			return err
		})
		for _, row := range buffer[:n] {
			values := make([]parquet.Value, len(place))
			for _, value := range row {
				if i, ok := place[value.Column()]; ok {
					values[i] = value
				}
			}
			if err := f(values); err != nil {
				return err
			}
		}
		if errors.Is(readErr, io.EOF) {
			return nil
		}
		if readErr != nil {
			return readErr
		}
	}
}

// surviving makes an error of a panic of the library, which believes what a file says of itself.
func surviving(read func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the table is damaged (%v): fetch it again", cause)
		}
	}()
	return read()
}

// find returns the number of the column in the schema.
func (c column) find(schema *parquet.Schema) (int, error) {
	for i, leaf := range schema.Columns() {
		if slices.Contains(c, strings.Join(leaf, ".")) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("there is no column %s", c[0])
}

func parquets(dir string) []string { return glob(filepath.Join(dir, "*.parquet")) }

// oneTable finds the test split.
func oneTable(dir string) []string {
	return append(glob(filepath.Join(dir, "data", "test-*.parquet")), glob(filepath.Join(dir, "test-*.parquet"))...)
}

func glob(pattern string) []string {
	files, _ := filepath.Glob(pattern) // the only error is of a wrong pattern: then nothing is found
	return files
}
