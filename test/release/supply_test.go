package release_test

import (
	"bytes"
	"crypto/sha256"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// licences are those that a dependency may have, by a sentence of each that no other
// has: all let the programs be passed on in binary form under the MIT licence.
var licences = map[string]string{
	"MIT":        "Permission is hereby granted, free of charge, to any person obtaining a copy",
	"Apache-2.0": "Licensed under the Apache License, Version 2.0",
	"Apache 2.0": "Apache License Version 2.0, January 2004",
	"BSD":        "Redistribution and use in source and binary forms, with or without modification, are permitted",
	"ISC":        "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted",
}

func licenceOf(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for name, sentence := range licences {
		if strings.Contains(text, sentence) {
			return name
		}
	}
	return ""
}

// What is linked into a program is passed on with it.
func TestDependenciesMayBePassedOn(t *testing.T) {
	out := run(t, nil, "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}|{{.Dir}}{{end}}{{end}}", "./functions/...", "./cmd/...")
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(lines)
	lines = slices.DeleteFunc(slices.Compact(lines), func(line string) bool { return line == "" })
	if len(lines) < 10 {
		t.Fatalf("%d modules are linked: %v", len(lines), lines)
	}
	for _, line := range lines {
		module, folder, _ := strings.Cut(line, "|")
		files, err := filepath.Glob(filepath.Join(folder, "[Ll][Ii][Cc][Ee][Nn][CcSs][Ee]*"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s has no licence (%v)", module, err)
			continue
		}
		text, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		if licenceOf(string(text)) == "" {
			t.Errorf("the licence of %s is none that is allowed: %.120q", module, text)
		}
	}
}

func TestALicenceThatIsNotAllowedIsSeen(t *testing.T) {
	for _, text := range []string{"", "GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007", "Business Source License 1.1", "All rights reserved."} {
		if name := licenceOf(text); name != "" {
			t.Errorf("%q is taken for %s", text, name)
		}
	}
}

// The same source gives the same bytes in any folder, so that anybody can check what is
// deployed, and unchanged code is no new deployment.
func TestTheSameSourceGivesTheSameBytes(t *testing.T) {
	files := strings.Split(strings.TrimSuffix(string(run(t, nil, "git", "ls-files", "-z", "go.mod", "go.sum", "Makefile", "pkg", "functions")), "\x00"), "\x00")
	var sums [2][sha256.Size]byte
	for i := range sums {
		folder := filepath.Join(t.TempDir(), strings.Repeat("deeper/", i), "source")
		for _, name := range files {
			content, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				t.Fatal(err)
			}
			to := filepath.Join(folder, name)
			if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(to, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		artifacts := t.TempDir()
		cmd := exec.Command("make", "build-SweeperFunction", "ARTIFACTS_DIR="+artifacts)
		cmd.Dir = folder
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		program, err := os.ReadFile(filepath.Join(artifacts, "bootstrap"))
		if err != nil || len(program) < 1<<20 {
			t.Fatalf("%d bytes: %v", len(program), err)
		}
		if bytes.Contains(program, []byte(folder)) {
			t.Errorf("the program names the folder %s", folder)
		}
		sums[i] = sha256.Sum256(program)
	}
	if sums[0] != sums[1] {
		t.Errorf("two folders gave %x and %x", sums[0], sums[1])
	}
}
