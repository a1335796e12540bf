package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// rooms lists the house from the ground up. A room imports rooms before it and
// the third-party modules that stand beside it, nothing else. A room that is not
// here fails the test.
var rooms = []struct {
	path    string
	modules []string // third-party modules of its non-test code
}{
	{"fault", nil},
	{"store", []string{"github.com/gowebpki/jcs"}},
	{"bus", []string{"golang.org/x/time"}},
	{"vault", nil},
	{"notify", nil},
	{"identity", []string{"github.com/golang-jwt/jwt/v5", "github.com/go-jose/go-jose/v4"}},
	{"market", []string{"github.com/gowebpki/jcs"}},
	{"market/internal/placegen", nil},
	{"matching/assign", nil},
	{"matching", nil},
	{"realtime", []string{"github.com/gofiber/fiber/v2", "github.com/valyala/fasthttp", "github.com/gorilla/websocket", "golang.org/x/time"}},
	{"agreement", []string{"github.com/go-jose/go-jose/v4", "github.com/gowebpki/jcs"}},
	{"moderation", nil},
	{"api", []string{"github.com/gofiber/fiber/v2", "github.com/danielgtaylor/huma/v2", "github.com/gorilla/websocket", "github.com/oklog/ulid/v2"}},
	{"api/client", []string{"github.com/gorilla/websocket"}},
	{"config", []string{"go.yaml.in/yaml/v3"}},
	{"store/sqlite", []string{"modernc.org/sqlite", "github.com/gofrs/flock", "golang.org/x/sys"}},
	{"store/storetest", []string{"pgregory.net/rapid", "github.com/google/go-cmp"}},
	{"cmd/hezuo", []string{"github.com/alecthomas/kong", "golang.org/x/sync", "github.com/go-jose/go-jose/v4"}},
	{"test", nil},
}

// wired are the parts that only cmd and tests put in their place.
var wired = []string{"config", "store/sqlite", "store/mongo", "bus/redis", "store/storetest", "api/client", "cmd/hezuo", "test"}

// quiet rooms do no I/O of their own: they reach the world through the store's
// contract, if at all.
var quiet = map[string][]string{
	"market":          {"os", "net", "net/http", "io/fs", "database/sql", "os/exec"},
	"matching/assign": {"os", "net", "net/http", "io/fs", "database/sql", "os/exec", "time", "context"},
}

type goPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

// TestHouse fails when an import breaks the directions of the house.
func TestHouse(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "hezuo/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := map[string]bool{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		room := strings.TrimPrefix(p.ImportPath, "hezuo/")
		seen[room] = true
		checkImports(t, room, p.Imports)
	}
	for _, r := range rooms {
		if !seen[r.path] {
			t.Errorf("there is no room %s: take it off the list", r.path)
		}
	}
}

func checkImports(t *testing.T, room string, imports []string) {
	t.Helper()
	rank := slices.IndexFunc(rooms, func(r struct {
		path    string
		modules []string
	},
	) bool {
		return r.path == room
	})
	if rank < 0 {
		t.Errorf("the room %s is not on the list of rooms", room)
		return
	}
	for _, imported := range imports {
		other, ours := strings.CutPrefix(imported, "hezuo/")
		switch {
		case ours:
			checkRoom(t, room, rank, other)
		case strings.Contains(strings.Split(imported, "/")[0], "."):
			if !slices.ContainsFunc(rooms[rank].modules, func(m string) bool { return imported == m || strings.HasPrefix(imported, m+"/") }) {
				t.Errorf("%s imports %s, which is not one of its modules", room, imported)
			}
		case slices.Contains(quiet[room], imported):
			t.Errorf("%s imports %s: it does no I/O", room, imported)
		}
	}
}

func checkRoom(t *testing.T, room string, rank int, other string) {
	t.Helper()
	for i, r := range rooms {
		if r.path == other && i >= rank {
			t.Errorf("%s imports %s, which comes after it", room, other)
		}
	}
	if slices.Contains(wired, other) && !slices.Contains([]string{"cmd/hezuo", "test"}, room) {
		t.Errorf("%s imports %s: only cmd and tests do", room, other)
	}
}
