package test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binary is the program under test.
var binary string

func TestMain(m *testing.M) { os.Exit(built(m)) }

// built builds the program once, with the race detector, and runs the tests.
func built(m *testing.M) int {
	dir, err := os.MkdirTemp("", "hezuo-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "test:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // it is temporary in any case
	binary = filepath.Join(dir, "hezuo")
	var said bytes.Buffer
	build := exec.CommandContext(context.Background(), "go", "build", "-race", "-o", binary, "hezuo/cmd/hezuo")
	build.Stdout, build.Stderr = &said, &said
	if err := build.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "test: the program does not build: %v\n%s", err, said.Bytes())
		return 1
	}
	return m.Run()
}

// proving says that the long proofs are wanted.
func proving() bool { return os.Getenv("HEZUO_PROVE") == "full" }
