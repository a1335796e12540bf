package config

import (
	"errors"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite docs/configuration.md")

const pagePath = "../docs/configuration.md"

// page surrounds the generated YAML in docs/configuration.md.
const page = `<!-- Generated from package config by go generate ./config; do not edit. -->

# Configuration

A setting is taken from the first of these that has it:

1. a variable of the environment: ` + "`HEZUO_`" + `, then the key in capitals, with two
   underscores where the key is nested;
2. the YAML file that ` + "`--config`" + ` names;
3. its default, as below.

A secret can also be the content of a file that the variable with ` + "`_FILE`" + ` at its
end names. A key or a ` + "`HEZUO_`" + ` variable that is not known is an error. (In
Kubernetes a service with the name hezuo adds such variables to every pod: set
` + "`enableServiceLinks: false`" + `.)

` + "`hezuo config check`" + ` reports everything that is wrong at once, and
` + "`hezuo config doc`" + ` prints the file below, to begin with.

` + "```yaml\n%s```\n"

func document(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	if err := Document(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestConfigurationPage(t *testing.T) {
	want := strings.Replace(page, "%s", document(t), 1)
	if *update {
		if err := os.WriteFile(pagePath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(pagePath)
	if err != nil {
		t.Fatal(err)
	}
	if d := gocmp.Diff(want, string(got)); d != "" {
		t.Errorf("docs/configuration.md is not what go generate ./config makes (-want +got):\n%s", d)
	}
}

func TestDocumentLoadsAsTheDefaults(t *testing.T) {
	got, err := Load(write(t, document(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := gocmp.Diff(Default(), got); d != "" {
		t.Errorf("(-default +loaded):\n%s", d)
	}
}

func TestDocumentNamesEveryKey(t *testing.T) {
	text := document(t)
	for _, f := range fields() {
		if !f.section && !strings.Contains(text, f.env) {
			t.Errorf("%s is missing", f.env)
		}
	}
	for _, line := range strings.Split(text, "\n") {
		if len(line) > 80 {
			t.Errorf("a line of %d bytes: %s", len(line), line)
		}
	}
}

func TestDocumentReportsItsWriter(t *testing.T) {
	if err := Document(fullDisk{}); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}

var errFull = errors.New("full")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

// TestEveryVariableSetsItsKey goes through the keys, so that a new one of a new
// kind cannot be forgotten in Load.
func TestEveryVariableSetsItsKey(t *testing.T) {
	for _, f := range fields() {
		if f.section {
			continue
		}
		value := "x"
		switch {
		case f.duration():
			value = f.max
		case f.min != "":
			value = f.max
		}
		c, err := Load("", []string{f.env + "=" + value})
		if err != nil {
			t.Errorf("%s: %v", f.env, err)
			continue
		}
		def := Default()
		if reflect.DeepEqual(f.value(&c).Interface(), f.value(&def).Interface()) {
			t.Errorf("%s=%s did not change %s", f.env, value, f.key)
		}
	}
}

// TestTags checks that every field has what Document and Validate need, and
// that its comment names the same bounds.
func TestTags(t *testing.T) {
	comments := fieldComments(t)
	for _, f := range fields() {
		if f.name == "" || f.doc == "" {
			t.Errorf("%s (%s): it needs the tags yaml and doc", f.key, f.typ)
		}
		if f.name != strings.ToLower(f.name) || strings.Contains(f.name, "__") {
			t.Errorf("%s is not in snake case", f.key)
		}
		comment := comments[f.key]
		if comment == "" {
			t.Errorf("%s has no comment", f.key)
		}
		if numeric := f.duration() || f.typ.Kind() == reflect.Int; numeric != (f.min != "" && f.max != "" && f.unit != "") {
			t.Errorf("%s: a number, and nothing else, needs unit, min and max", f.key)
		} else if numeric {
			if f.number(f.min) >= f.number(f.max) {
				t.Errorf("%s: min %s, max %s", f.key, f.min, f.max)
			}
			if !strings.Contains(comment, f.min+" to "+f.max) || !strings.Contains(comment, f.unit) {
				t.Errorf("%s: its comment does not say %s, %s to %s", f.key, f.unit, f.min, f.max)
			}
		}
	}
}

// fieldComments reads the comments of Config's fields, by key.
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	structs := map[string]*ast.StructType{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok {
			if s, ok := spec.Type.(*ast.StructType); ok {
				structs[spec.Name.Name] = s
			}
		}
		return true
	})
	out := map[string]string{}
	var visit func(s *ast.StructType, prefix string)
	visit = func(s *ast.StructType, prefix string) {
		for _, f := range s.Fields.List {
			key := prefix + reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("yaml")
			out[key] = strings.Join(strings.Fields(f.Doc.Text()), " ")
			if name, ok := f.Type.(*ast.Ident); ok && structs[name.Name] != nil {
				visit(structs[name.Name], key+".")
			}
		}
	}
	visit(structs["Config"], "")
	return out
}
