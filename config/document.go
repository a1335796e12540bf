package config

import (
	"fmt"
	"io"
	"reflect"
	"strings"
)

//go:generate go test -run ^TestConfigurationPage$ . -update

// Document writes a YAML file of every key with what it is for, its bounds, its
// variable and its default. It is made from Config's tags and Default, and
// loads as it stands.
func Document(w io.Writer) error {
	var b strings.Builder
	c := Default()
	for i, f := range fields() {
		indent := strings.Repeat("  ", strings.Count(f.key, "."))
		if i > 0 {
			b.WriteByte('\n')
		}
		for _, text := range f.remarks() {
			for _, line := range wrap(text, 78-len(indent)) {
				fmt.Fprintf(&b, "%s# %s\n", indent, line)
			}
		}
		fmt.Fprintf(&b, "%s%s:", indent, f.name)
		if !f.section {
			b.WriteString(" " + literal(f.value(&c)))
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// remarks is what is said of a key: the doc tag with what it may be, then its
// variable.
func (f field) remarks() []string {
	if f.section {
		return []string{f.doc}
	}
	say := f.doc
	switch {
	case len(f.oneof) > 0:
		say += " One of " + strings.Join(f.oneof, ", ") + "."
	case f.min != "" && f.duration():
		say += " A duration " + f.bounds() + "."
	case f.min != "":
		say += " A number " + f.bounds() + "."
	}
	variable := f.env
	switch {
	case f.byFile:
		variable += ", or " + f.envFile() + " with the path of a file that holds it"
	case f.list():
		variable += ", separated by commas"
	}
	return []string{say, variable}
}

// literal is a default as YAML.
func literal(v reflect.Value) string {
	switch {
	case v.Type() == reflect.TypeFor[Secret]():
		return `""`
	case v.Kind() == reflect.Slice:
		quoted := make([]string, v.Len())
		for i := range quoted {
			quoted[i] = fmt.Sprintf("%q", v.Index(i))
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case v.Kind() == reflect.String && (v.Len() == 0 || strings.ContainsAny(v.String(), " #'\"")):
		return fmt.Sprintf("%q", v.String())
	}
	return fmt.Sprint(v.Interface())
}

// wrap breaks text into lines of at most width bytes, between words.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
