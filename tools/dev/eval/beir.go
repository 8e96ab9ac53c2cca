package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// openBEIR reads corpus.jsonl ({"_id", "image": a file in the folder}), queries.jsonl ({"_id", "text"}) and
// qrels/test.tsv or qrels.tsv (query id, page id, grade, below one line of headings).
func openBEIR(dir string) (set, error) {
	var s set
	root, err := os.OpenRoot(dir)
	if err != nil {
		return s, err
	}
	defer func() { _ = root.Close() }()
	err = readLines(root, "queries.jsonl", func(line []byte) error {
		var q struct {
			ID   string `json:"_id"`
			Text string `json:"text"`
		}
		err := json.Unmarshal(line, &q)
		s.queries = append(s.queries, query{q.ID, q.Text})
		return err
	})
	if err != nil {
		return s, err
	}
	qrels := filepath.Join("qrels", "test.tsv")
	if !exists(filepath.Join(dir, qrels)) {
		qrels = "qrels.tsv"
	}
	heading := true
	err = readLines(root, qrels, func(line []byte) error {
		if heading {
			heading = false
			return nil
		}
		fields := strings.Split(string(line), "\t")
		if len(fields) != 3 {
			return fmt.Errorf("%d columns instead of query-id, corpus-id, score", len(fields))
		}
		grade, err := strconv.Atoi(fields[2])
		s.judge(fields[0], fields[1], grade)
		return err
	})
	s.pages = func(yield func(page) error) error { return beirPages(dir, yield) }
	return s, err
}

func beirPages(dir string, yield func(page) error) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	return readLines(root, "corpus.jsonl", func(line []byte) error {
		var p struct {
			ID    string `json:"_id"`
			Image string `json:"image"`
		}
		if err := json.Unmarshal(line, &p); err != nil {
			return err
		}
		image, err := root.ReadFile(p.Image)
		if err != nil {
			return fmt.Errorf("page %s: %w", p.ID, err)
		}
		return yield(page{p.ID, image})
	})
}

// readLines calls f for every line that is not empty, and says where it failed.
func readLines(root *os.Root, name string, f func([]byte) error) error {
	file, err := root.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewReader(file)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if text := strings.TrimRight(string(line), "\r\n"); text != "" {
			if err := f([]byte(text)); err != nil {
				return fmt.Errorf("%s, line %d: %w", name, number, err)
			}
		}
		if err != nil {
			return nil //nolint:nilerr // the end of the file
		}
	}
}
