package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// archived gives the events of every recording of the Security Datasets, one JSON text each, in the order of the files.
func archived(corpus string) ([][]byte, error) {
	archives, err := files(filepath.Join(corpus, "otrf"), ".zip")
	if err != nil {
		return nil, err
	}
	var lines [][]byte
	for _, path := range archives {
		text, err := unzipped(path)
		if err != nil {
			return nil, fmt.Errorf("cannot read recording %q: %w", path, err)
		}
		for line := range bytes.Lines(text) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				lines = append(lines, line)
			}
		}
	}
	return lines, nil
}

// unzipped gives the JSON files of an archive, one after the other. What macOS adds about each file is left out.
func unzipped(path string) ([]byte, error) {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	var all bytes.Buffer
	for _, f := range archive.File {
		if !strings.HasSuffix(f.Name, ".json") || strings.HasPrefix(f.Name, "__MACOSX") {
			continue
		}
		if err := copyFile(&all, f); err != nil {
			return nil, err
		}
	}
	return all.Bytes(), nil
}

func copyFile(to *bytes.Buffer, f *zip.File) error {
	from, err := f.Open()
	if err != nil {
		return err
	}
	defer from.Close()
	to.Grow(int(min(f.UncompressedSize64, 1<<28)) + 1)
	_, err = io.Copy(to, from)
	to.WriteByte('\n')
	return err
}

// files lists the files below dir whose names have the ending, sorted by path.
func files(dir, ending string) ([]string, error) {
	var paths []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && strings.HasSuffix(path, ending) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list the files of %q: %w; name the corpus with --corpus", dir, err)
	}
	slices.Sort(paths)
	return paths, nil
}

// regressions gives the events that SigmaHQ keeps as tests of its rules.
func regressions(corpus string) ([][]byte, error) {
	paths, err := files(filepath.Join(corpus, "sigma", "regression"), ".json")
	if err != nil {
		return nil, err
	}
	var lines [][]byte
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("cannot read recording: %w", err)
		}
		found, err := compacted(text)
		if err != nil {
			return nil, fmt.Errorf("cannot read recording %q: %w", path, err)
		}
		lines = append(lines, found...)
	}
	return lines, nil
}

// compacted takes the white space out of JSON texts that were laid out for people.
func compacted(text []byte) ([][]byte, error) {
	var lines [][]byte
	texts := json.NewDecoder(bytes.NewReader(text))
	for {
		var one json.RawMessage
		if err := texts.Decode(&one); errors.Is(err, io.EOF) {
			return lines, nil
		} else if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if err := json.Compact(&b, one); err != nil {
			return nil, err
		}
		lines = append(lines, b.Bytes())
	}
}
