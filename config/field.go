package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// envPrefix begins the name of every variable that is a setting.
const envPrefix = "HEZUO_"

// field is one key of the configuration, or a section of them, as the tags of
// Config describe it.
type field struct {
	key     string // log.level
	name    string // level
	env     string // HEZUO_LOG__LEVEL
	doc     string
	unit    string
	min     string // as in the tag
	max     string
	oneof   []string
	index   []int // for reflect.Value.FieldByIndex
	typ     reflect.Type
	section bool
	byFile  bool // a secret that envFile can name; others have no such variable
}

// fields lists the keys in the order in which Config declares them, a section
// before its keys.
func fields() []field {
	all := walk(reflect.TypeFor[Config](), "", nil)
	for i, f := range all {
		// Where the file is a key of its own, as vault.master_key_file is, the
		// variable is that key's.
		own := slices.ContainsFunc(all, func(g field) bool { return g.key == f.key+"_file" })
		all[i].byFile = f.secret() && !own
	}
	return all
}

func walk(t reflect.Type, prefix string, index []int) []field {
	var out []field
	for i := range t.NumField() {
		sf := t.Field(i)
		name := sf.Tag.Get("yaml")
		key := prefix + name
		f := field{
			key:   key,
			name:  name,
			env:   envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "__")),
			doc:   sf.Tag.Get("doc"),
			unit:  sf.Tag.Get("unit"),
			min:   sf.Tag.Get("min"),
			max:   sf.Tag.Get("max"),
			oneof: strings.Fields(sf.Tag.Get("oneof")),
			index: append(slices.Clone(index), i),
			typ:   sf.Type,
		}
		f.section = sf.Type.Kind() == reflect.Struct && !f.secret()
		out = append(out, f)
		if f.section {
			out = append(out, walk(sf.Type, key+".", f.index)...)
		}
	}
	return out
}

func (f field) secret() bool   { return f.typ == reflect.TypeFor[Secret]() }
func (f field) list() bool     { return f.typ == reflect.TypeFor[[]string]() }
func (f field) duration() bool { return f.typ == reflect.TypeFor[time.Duration]() }

// envFile is the variable that names a file holding the secret.
func (f field) envFile() string { return f.env + "_FILE" }

func (f field) value(c *Config) reflect.Value {
	return reflect.ValueOf(c).Elem().FieldByIndex(f.index)
}

// set gives the field the value that text stands for. The error carries no key
// yet, and never the text of a secret.
func (f field) set(c *Config, text string) *Error {
	v := f.value(c)
	switch {
	case f.secret():
		v.Set(reflect.ValueOf(NewSecret(text)))
	case f.duration():
		d, err := time.ParseDuration(text)
		if err != nil {
			return &Error{
				Problem: fmt.Sprintf("%q is not a duration", text),
				Fix:     "write a number with its unit, as 500ms, 15s or 2m",
			}
		}
		v.SetInt(int64(d))
	case f.typ.Kind() == reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return &Error{
				Problem: fmt.Sprintf("%q is not a whole number", text),
				Fix:     "give one " + f.bounds(),
			}
		}
		v.SetInt(int64(n))
	default:
		v.SetString(text)
	}
	return nil
}

func (f field) setList(c *Config, items []string) {
	if len(items) == 0 {
		items = nil
	}
	f.value(c).Set(reflect.ValueOf(items))
}

// bounds says what a number or a duration may be.
func (f field) bounds() string {
	if f.duration() {
		return "from " + f.min + " to " + f.max
	}
	return "from " + f.min + " to " + f.max + " " + f.unit
}

// check holds the value against the tags.
func (f field) check(c *Config) *Error {
	v := f.value(c)
	switch {
	case len(f.oneof) > 0:
		if slices.Contains(f.oneof, v.String()) {
			return nil
		}
		return &Error{
			Key:     f.key,
			Problem: fmt.Sprintf("%q is not one of its words", v.String()),
			Fix:     "set it to " + strings.Join(f.oneof, " or "),
		}
	case f.min != "":
		if n := v.Int(); n < f.number(f.min) || n > f.number(f.max) {
			return &Error{
				Key:     f.key,
				Problem: fmt.Sprintf("%v is out of range", v.Interface()),
				Fix:     "set it " + f.bounds(),
			}
		}
	}
	return nil
}

// number reads a bound. A test reads them all, so that a wrong tag cannot get
// as far as a running program.
func (f field) number(bound string) int64 {
	if f.duration() {
		d, err := time.ParseDuration(bound)
		if err != nil {
			panic(fmt.Sprintf("config: %s: bound %q: %v", f.key, bound, err))
		}
		return int64(d)
	}
	n, err := strconv.ParseInt(bound, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("config: %s: bound %q: %v", f.key, bound, err))
	}
	return n
}
