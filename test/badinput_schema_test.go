package test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"hezuo/store/sqlite"
)

// schema is what the tests read of a JSON schema.
type schema struct {
	Ref        string            `json:"$ref"`
	Type       any               `json:"type"`
	Properties map[string]schema `json:"properties"`
	Items      *schema           `json:"items"`
	Required   []string          `json:"required"`
	Additional any               `json:"additionalProperties"`
}

// openapi is what the tests read of the OpenAPI document.
type openapi struct {
	Paths map[string]map[string]struct {
		RequestBody struct {
			Content map[string]struct {
				Schema schema `json:"schema"`
			} `json:"content"`
		} `json:"requestBody"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

func (s *server) openapi(t testing.TB) openapi {
	t.Helper()
	return read[openapi](t, s.ask(request{method: "GET", path: "/openapi.json"}))
}

// body gives the schema of a route's request.
func (o openapi) body(t testing.TB, route string) schema {
	t.Helper()
	method, path, _ := strings.Cut(route, " ")
	s := o.Paths[path][strings.ToLower(method)].RequestBody.Content["application/json"].Schema
	if s = o.resolve(s); len(s.Properties) == 0 {
		t.Fatalf("%s: no body is described", route)
	}
	return s
}

func (o openapi) resolve(s schema) schema {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return o.Components.Schemas[name]
	}
	return s
}

// field is one field of a body, at any depth; of a list, the first item.
type field struct {
	path     string
	kind     string
	required bool
}

// fields walks a schema. Every object must be closed.
func (o openapi) fields(t testing.TB, s schema, prefix string) []field {
	t.Helper()
	if s.Additional != false {
		t.Errorf("%q takes any field", prefix)
	}
	var out []field
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := o.resolve(s.Properties[name])
		f := field{prefix + name, kindOf(p), slices.Contains(s.Required, name)}
		out = append(out, f)
		switch {
		case f.kind == "object":
			out = append(out, o.fields(t, p, f.path+".")...)
		case f.kind == "array" && p.Items != nil:
			item := o.resolve(*p.Items)
			out = append(out, field{f.path + "[0]", kindOf(item), false})
			if kindOf(item) == "object" {
				out = append(out, o.fields(t, item, f.path+"[0].")...)
			}
		}
	}
	return out
}

// kindOf gives the type of a value; of several, the first that is not null.
func kindOf(s schema) string {
	switch k := s.Type.(type) {
	case string:
		return k
	case []any:
		for _, one := range k {
			if one != "null" {
				return fmt.Sprint(one)
			}
		}
	}
	return ""
}

// wrongKinds gives, for every field that the OpenAPI document names, a value of
// another kind, and its absence where it is required.
func (b *bench) wrongKinds(t *testing.T, f form) []bad {
	t.Helper()
	o := b.openapi(t)
	var out []bad
	for _, x := range o.fields(t, o.body(t, f.route), "") {
		if !present(f.good, x.path) {
			continue // the form of another kind of party has it
		}
		wrong := map[string]any{"string": 17, "integer": "七", "number": "八", "boolean": "是", "object": "九", "array": "十"}[x.kind]
		if wrong == nil {
			t.Fatalf("%s: a field of kind %q", x.path, x.kind)
		}
		out = append(out, bad{x.path, wrong, ""}, bad{x.path, []any{body{"深": "处"}}, x.path})
		if x.kind == "array" {
			out = out[:len(out)-1]
		}
		if x.required {
			out = append(out, bad{x.path, drop, ""}, bad{x.path, nil, ""})
		}
	}
	return out
}

// present tells whether a body has a field.
func present(b body, path string) bool {
	var v any = set(b, "x", drop) // as JSON makes it
	for _, part := range parts(path) {
		switch at := v.(type) {
		case body:
			v = at[part]
		case []any:
			v = at[0]
		default:
			return false
		}
	}
	return v != nil
}

// TestEveryFieldHasABadValue compares the tables of bad input with the OpenAPI
// document: a field without a row fails.
func TestEveryFieldHasABadValue(t *testing.T) {
	t.Parallel()
	s := newPremises(t).serve()
	o := s.openapi(t)
	rows := map[string]map[string]bool{}
	for _, f := range append(partyForms(), jobForm("y"), teamForm("y")) {
		if rows[f.route] == nil {
			rows[f.route] = map[string]bool{}
		}
		for _, x := range f.bad {
			rows[f.route][x.path] = true
		}
	}
	for route, have := range rows {
		known := map[string]bool{}
		for _, x := range o.fields(t, o.body(t, route), "") {
			known[x.path] = true
			if !have[x.path] {
				t.Errorf("%s: no bad value of %s", route, x.path)
			}
		}
		for path := range have {
			if !known[path] {
				t.Errorf("%s: %s has a bad value and is no field", route, path)
			}
		}
	}
	s.stop()
}

// trails counts the documents that a collection ever had, in the store itself,
// which nobody serves.
func (p *premises) trails(t *testing.T, collection string) int {
	t.Helper()
	db, err := sqlite.Open(context.Background(), sqlite.Options{Path: p.store(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // nothing was written
	heads, err := db.Logs(context.Background(), "audit/"+collection+"/", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, h := range heads {
		if strings.HasPrefix(h.Log, "audit/"+collection+"/") {
			n++
		}
	}
	return n
}
