package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-jose/go-jose/v4"

	"hezuo/agreement"
)

type verifyCommand struct {
	File string `arg:"" help:"The agreement's file (.hezuo.json); - reads standard input."`
	Keys string `help:"The platform's public keys (JWK Set), from its /.well-known/agreement-keys.json." placeholder:"JWKS"`
}

// unreadable is the exit status where there was nothing to judge.
const unreadable exit = 2

// maxFile is the most of a file that is read, bytes; no agreement is that long.
const maxFile = 4 << 20

// Run judges an agreement's file, offline. The exit status is 0 if it is genuine
// (without keys: if it holds by itself), 1 if it is not, 2 if it cannot be read.
func (c *verifyCommand) Run(w *world) error {
	data, err := readFile(c.File, w.stdin)
	if err != nil {
		return c.cannot(w, err)
	}
	var keys jose.JSONWebKeySet
	if c.Keys != "" {
		if keys, err = readKeys(c.Keys); err != nil {
			return c.cannot(w, err)
		}
	}
	if !judge(w.stdout, data, keys) {
		return exit(1)
	}
	return nil
}

func (c *verifyCommand) cannot(w *world, err error) error {
	_, _ = fmt.Fprintln(w.stderr, "hezuo: nothing was verified:", err)
	return unreadable
}

// judge prints what the verifier finds about a file, in words, and reports whether
// all of it holds.
func judge(out io.Writer, data []byte, keys jose.JSONWebKeySet) bool {
	r := agreement.VerifyFile(data, keys)
	for _, f := range r.Findings {
		mark := "[ ok ]"
		switch {
		case !f.OK:
			mark = "[FAIL]"
		case f.ByHand:
			mark = "[hand]"
		}
		_, _ = fmt.Fprintf(out, "%s %s\n       %s\n", mark, f.Zh, f.En)
	}
	if s := r.Summary; s != nil && r.OK {
		_, _ = fmt.Fprintf(out, "\n%s\n%s\n", s.Zh, s.En)
	}
	switch {
	case !r.OK:
		_, _ = fmt.Fprint(out, "\n不真实：不可采信。\nNOT GENUINE: do not rely on it.\n")
	case r.Trusted:
		_, _ = fmt.Fprint(out, "\n真实：由双方签署、平台会签，签署后未被改动。\nGENUINE: signed by both sides, countersigned by the platform, and unchanged since.\n")
	default:
		_, _ = fmt.Fprintf(out, "\n自身成立，但未与平台公钥核对。平台密钥指纹：%s\nIT HOLDS BY ITSELF, but the platform's key was not compared with any that you gave. Its fingerprint: %s\n", r.PlatformKey, r.PlatformKey)
	}
	return r.OK
}

// readFile reads a file of bounded length.
func readFile(path string, stdin io.Reader) ([]byte, error) {
	if path == "-" {
		return readAll(stdin)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := readAll(f)
	return data, errors.Join(err, f.Close())
}

func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("it has more than %d bytes, which no agreement has", maxFile)
	}
	return data, err
}

// readKeys reads the platform's public keys. A set without keys is an error: the
// file would be judged as if none had been given.
func readKeys(path string) (jose.JSONWebKeySet, error) {
	var set jose.JSONWebKeySet
	data, err := readFile(path, nil)
	if err != nil {
		return set, err
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return set, fmt.Errorf("%s is no JWK Set: %w", path, err)
	}
	if len(set.Keys) == 0 {
		return set, fmt.Errorf("%s is a JWK Set without a key", path)
	}
	return set, nil
}
