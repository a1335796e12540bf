package market

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hezuo/fault"
)

// bad is one bad value of an input: the path that must be named, what is wrong, and
// how a good input is spoilt with it.
type bad[T any] struct {
	path, what string
	spoil      func(*T)
}

// refuses proves that each bad value is refused under its path, and no other
// field's, and that every field of T has a row.
func refuses[T any](t *testing.T, good func() T, validate func(T) error, rows []bad[T]) {
	t.Helper()
	if err := validate(good()); err != nil {
		t.Fatalf("the good input is refused: %v", err)
	}
	has := map[string]bool{}
	for _, row := range rows {
		has[index.ReplaceAllString(row.path, "[]")] = true
		v := good()
		row.spoil(&v)
		err := validate(v)
		found := false
		for _, f := range fault.All(err) {
			if f.Field == row.path {
				found = true
			} else {
				t.Errorf("%s (%s): %s is blamed too: %s", row.path, row.what, f.Field, f.Message)
			}
			if f.Code != fault.Invalid || f.Message == "" || f.Fix == "" {
				t.Errorf("%s (%s): a refusal without code, message or fix: %+v", row.path, row.what, f)
			}
			if long.MatchString(f.Error() + f.Fix) {
				t.Errorf("%s (%s): the refusal repeats a number: %v", row.path, row.what, f)
			}
		}
		if !found {
			t.Errorf("%s (%s) is taken: %v", row.path, row.what, err)
		}
	}
	for _, path := range fields(reflect.TypeFor[T](), "") {
		if !has[path] {
			t.Errorf("no bad value of %s is tried", path)
		}
	}
}

var (
	index = regexp.MustCompile(`\[\d+\]`)
	long  = regexp.MustCompile(`\d{11}`)
)

// fields lists the paths of all fields that a person can fill in.
func fields(t reflect.Type, path string) []string {
	switch {
	case t.Kind() == reflect.Pointer:
		return fields(t.Elem(), path)
	case t.Kind() == reflect.Slice:
		return append(fields(t.Elem(), path+"[]"), path)
	case t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]():
		return []string{path}
	}
	var out []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		out = append(out, fields(t.Field(i).Type, strings.TrimPrefix(path+"."+name, "."))...)
	}
	return out
}

// Numbers of nobody: an operator's service line, and one whose check digit fits
// with a district that there is not.
const (
	somePhone    = "13800138000"
	someIdentity = "99010119900307004X"
)

// badTexts are what no field of free text may hold.
var badTexts = map[string]string{
	"a phone": "call " + somePhone, "a phone alone": somePhone, "a phone with spaces": "138 0013 8000", "a phone with dashes": "138-0013-8000 找我",
	"a phone of full-width digits": "电话１３８００１３８０００", "a full-width phone with spaces": "１３８　００１３　８０００", "a phone with dots": "138.0013.8000",
	"a phone with the country's code": "+8613800138000", "a phone with 0086": "0086 138 0013 8000", "a phone with 86-": "86-13800138000",
	"a phone behind a 0": "013800138000", "two phones": somePhone + " " + somePhone, "a phone and a number": somePhone + " 2人",
	"a phone of Arabic-Indic digits": "١٣٨٠٠١٣٨٠٠٠", "a phone with no-break spaces": "138\u00a00013\u00a08000", "a phone, digit by digit": "1 3 8 0 0 1 3 8 0 0 0",
	"a phone with underscores": "138_0013_8000", "a phone between characters": "微信" + somePhone + "联系",
	"an identity number": someIdentity, "an identity number, x": strings.ToLower(someIdentity), "an identity number with spaces": "990101 19900307 004X",
	"an identity number of full-width digits": "９９０１０１１９９００３０７００４Ｘ", "an identity number between characters": "证号" + someIdentity + "。",
	"a control character": "ab\x00cd", "a bell": "ab\x07cd", "delete": "abcd\x7f", "a C1 control": "ab\u0085cd", "an escape": "ab\x1b[31mcd",
	"an override of direction": "ab\u202ecd", "an isolate": "ab\u2066cd", "a zero-width space": "ab\u200bcd", "a byte-order mark": "\ufeffabcd",
	"a line separator": "ab\u2028cd", "no UTF-8": "ab\xffcd", "half a character": "ab\xe6\x91",
}

// text gives the bad values of a field of free text.
func text[T any](path string, least, most int, set func(*T, string)) []bad[T] {
	var out []bad[T]
	add := func(what, s string) {
		out = append(out, bad[T]{path, what, func(v *T) { set(v, s) }})
	}
	for what, s := range badTexts {
		if n := len([]rune(s)); n <= most {
			add(what, s)
		}
	}
	add("too long", strings.Repeat("好", most+1))
	add("too long with blanks", "好好好好好"+strings.Repeat(" ", most))
	if least > 0 {
		add("missing", "")
		add("blank", "  \t\n　")
	}
	if least > 1 {
		add("too short", strings.Repeat("好", least-1))
		add("too short with blanks", strings.Repeat("好", least-1)+"   ")
	}
	return out
}

// oneOf gives the bad values of a field with a closed set.
func oneOf[T any](path string, set func(*T, string)) []bad[T] {
	var out []bad[T]
	for _, s := range []string{"", "other", "EMPLOYER", " employer", "employer\x00", "day "} {
		out = append(out, bad[T]{path, fmt.Sprintf("%q", s), func(v *T) { set(v, s) }})
	}
	return out
}

// within gives the bad values of a number from least to most.
func within[T any](path string, least, most int, set func(*T, int)) []bad[T] {
	var out []bad[T]
	for _, n := range []int{least - 1, most + 1, -1, math.MinInt, math.MaxInt} {
		out = append(out, bad[T]{path, fmt.Sprint(n), func(v *T) { set(v, n) }})
	}
	return out
}

// measure gives the bad values of a measure.
func measure[T any](path string, set func(*T, float64), values ...float64) []bad[T] {
	var out []bad[T]
	for _, x := range append([]float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 1e300}, values...) {
		out = append(out, bad[T]{path, fmt.Sprint(x), func(v *T) { set(v, x) }})
	}
	return out
}

// date gives the bad values of a date.
func date[T any](path string, set func(*T, Date), values ...Date) []bad[T] {
	var out []bad[T]
	for _, d := range append([]Date{
		"", "tomorrow", "2026-02-30", "2026-13-01", "2026-00-10", "2027-02-29", "2026-3-1", "20260310", "2026-03-10T00:00:00Z", " 2026-03-10",
		"２０２６-03-10", "12026-03-10",
	}, values...) {
		out = append(out, bad[T]{path, fmt.Sprintf("%q", d), func(v *T) { set(v, d) }})
	}
	return out
}

// site gives the bad values of a place of work.
func site[T any](path string, of func(*T) *Site) []bad[T] {
	var out []bad[T]
	for _, s := range []string{"", "000000", "37150", "371502 ", "聊城", "371502999", "371502001001", "\x00"} {
		out = append(out, bad[T]{path + ".place", fmt.Sprintf("%q", s), func(v *T) { of(v).Place = s }})
	}
	out = append(out, text(path+".detail", 0, 200, func(v *T, s string) { of(v).Detail = s })...)
	for _, p := range []Point{{91, 0}, {-91, 0}, {math.NaN(), 0}, {math.Inf(1), 0}} {
		out = append(out, bad[T]{path + ".point.lat", fmt.Sprint(p.Lat), func(v *T) { of(v).Point = &p }})
	}
	for _, p := range []Point{{0, 181}, {0, -181}, {0, math.NaN()}, {0, math.Inf(-1)}} {
		out = append(out, bad[T]{path + ".point.lon", fmt.Sprint(p.Lon), func(v *T) { of(v).Point = &p }})
	}
	return out
}

// pay gives the bad values of pay.
func pay[T any](path string, of func(*T) *Pay) []bad[T] {
	out := within(path+".amount_fen", 1, 100_000_000, func(v *T, n int) { of(v).Amount = Fen(n) })
	return append(out, oneOf(path+".unit", func(v *T, s string) { of(v).Unit = PayUnit(s) })...)
}

// conditions gives the bad values of conditions.
func conditions[T any](path string, of func(*T) *Conditions) []bad[T] {
	return slices.Concat(
		oneOf(path+".meals", func(v *T, s string) { of(v).Meals = Provider(s) }),
		oneOf(path+".lodging", func(v *T, s string) { of(v).Lodging = Provider(s) }),
		oneOf(path+".transport", func(v *T, s string) { of(v).Transport = Provider(s) }),
	)
}
