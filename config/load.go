package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Load reads the settings: the defaults, over them the YAML file (none if file
// is empty), over it the variables of environ, which is as os.Environ gives it.
// A key or a HEZUO_ variable that is not known is an error. All faults are
// reported together, each as an *Error. Whether the values make sense is
// Validate's to say.
func Load(file string, environ []string) (Config, error) {
	l := loader{config: Default(), fields: fields()}
	if file != "" {
		l.file(file)
	}
	l.environ(environ)
	if len(l.errs) > 0 {
		return Config{}, errors.Join(l.errs...)
	}
	return l.config, nil
}

type loader struct {
	config Config
	fields []field
	errs   []error
}

func (l *loader) fail(e *Error) { l.errs = append(l.errs, e) }

func (l *loader) lookup(key string) (field, bool) {
	i := slices.IndexFunc(l.fields, func(f field) bool { return f.key == key })
	if i < 0 {
		return field{}, false
	}
	return l.fields[i], true
}

func (l *loader) file(path string) {
	content, err := os.ReadFile(path)
	if err != nil {
		l.fail(&Error{Key: path, Problem: "the configuration file cannot be read", Cause: err, Fix: "give the path of one that can"})
		return
	}
	l.parse(path, content)
}

// parse takes the values as they are written, by node and not through YAML's
// own types: a code such as 0123 stays what it is, a variable and a line in the
// file are read alike, and an error can name the line.
func (l *loader) parse(path string, content []byte) {
	dec := yaml.NewDecoder(bytes.NewReader(content))
	var doc, more yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF): // nothing but comments
		return
	case err != nil:
		l.fail(&Error{Key: path, Problem: "the configuration file is not YAML", Cause: err, Fix: "correct it there"})
		return
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		l.fail(&Error{Key: path, Problem: "there is more than one document in the file", Fix: "keep the first, without ---"})
		return
	}
	root := resolve(doc.Content[0])
	switch {
	case null(root):
	case root.Kind != yaml.MappingNode:
		l.fail(&Error{Key: path, Problem: "the file is not a mapping of keys to values", Fix: "write lines such as listen: 127.0.0.1:8080"})
	default:
		l.mapping(path, "", root)
	}
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func null(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// mapping takes a section's keys. It goes no deeper than Config does, whatever
// the file's aliases say.
func (l *loader) mapping(path, prefix string, n *yaml.Node) {
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := resolve(n.Content[i]), resolve(n.Content[i+1])
		key, source := prefix+k.Value, fmt.Sprintf("%s line %d", path, k.Line)
		if first, twice := lines[key]; twice {
			l.fail(&Error{Key: key, Source: source, Problem: fmt.Sprintf("it stands already on line %d", first), Fix: "remove one of them"})
			continue
		}
		lines[key] = k.Line
		f, known := l.lookup(key)
		switch {
		case known && strings.Contains(k.Value, "."):
			section, name, _ := strings.Cut(key, ".")
			l.fail(&Error{Key: key, Source: source, Problem: "keys are nested, not dotted", Fix: "write " + section + ": and under it, indented, " + name + ":"})
		case !known:
			l.fail(&Error{Key: key, Source: source, Problem: "no such key", Fix: "the nearest is " + l.nearestKey(key)})
		case !f.section:
			l.node(f, v, source)
		case null(v): // all its keys are commented out
		case v.Kind != yaml.MappingNode:
			l.fail(&Error{Key: key, Source: source, Problem: "it is a section, not a value", Fix: "write its keys under it, indented"})
		default:
			l.mapping(path, key+".", v)
		}
	}
}

// node takes one key's value from the file.
func (l *loader) node(f field, v *yaml.Node, source string) {
	fault := func(problem, fix string) {
		l.fail(&Error{Key: f.key, Source: source, Problem: problem, Fix: fix})
	}
	switch {
	case null(v):
		fault("it has no value", "give one, or remove the line for the default")
	case f.list():
		items := make([]string, 0, len(v.Content))
		for _, item := range v.Content {
			item = resolve(item)
			if item.Kind != yaml.ScalarNode || null(item) {
				fault("an item of the list is not a single value", "write one value an item")
				return
			}
			items = append(items, item.Value)
		}
		if v.Kind != yaml.SequenceNode {
			fault("it is not a list", "write "+f.name+": [first, second]")
			return
		}
		f.setList(&l.config, items)
	case v.Kind != yaml.ScalarNode:
		fault("it is not a single value", "write one after the colon")
	default:
		l.set(f, v.Value, source)
	}
}

func (l *loader) set(f field, text, source string) {
	if e := f.set(&l.config, text); e != nil {
		e.Key, e.Source = f.key, source
		l.fail(e)
	}
}

// notSettings are variables that begin like settings but speak to the tests.
// They are ignored, so that a test can run the program in its own environment.
func notSettings() []string { return []string{"HEZUO_PROVE"} }

// environ takes the variables. Of a name that stands twice the last counts, as
// for os/exec.
func (l *loader) environ(environ []string) {
	values := map[string]string{}
	for _, kv := range environ {
		name, value, ok := strings.Cut(kv, "=")
		if ok && strings.HasPrefix(name, envPrefix) && !slices.Contains(notSettings(), name) {
			values[name] = value
		}
	}
	var known []string
	for _, f := range l.fields {
		if f.section {
			continue
		}
		known = append(known, f.env)
		value, given := values[f.env]
		if given {
			l.variable(f, value)
		}
		if !f.byFile {
			continue
		}
		known = append(known, f.envFile())
		path, byFile := values[f.envFile()]
		switch {
		case byFile && given:
			l.fail(&Error{Key: f.key, Source: f.envFile(), Problem: f.env + " is given too", Fix: "unset one of them"})
		case byFile:
			l.secretFile(f, path)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(known, name) {
			l.fail(&Error{Key: name, Problem: "no such setting", Fix: "the nearest is " + nearest(name, "__", known) + "; unset it if it is not meant for hezuo"})
		}
	}
}

// variable takes one variable's value; of a list the items are separated by
// commas.
func (l *loader) variable(f field, value string) {
	if !f.list() {
		l.set(f, value, f.env)
		return
	}
	var items []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	f.setList(&l.config, items)
}

// secretFile takes a secret from the file that its variable names.
func (l *loader) secretFile(f field, path string) {
	text, err := readSecret(path)
	if err != nil {
		l.fail(&Error{Key: f.key, Source: f.envFile(), Problem: "the secret's file cannot be used", Cause: err, Fix: "name a file that holds the secret, or unset the variable"})
		return
	}
	l.set(f, text, f.envFile())
}

func readSecret(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(content))
	if text == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return text, nil
}

func (l *loader) nearestKey(key string) string {
	keys := make([]string, 0, len(l.fields))
	for _, f := range l.fields {
		keys = append(keys, f.key)
	}
	return nearest(key, ".", keys)
}
