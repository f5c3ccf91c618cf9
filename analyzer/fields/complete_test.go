package fields

import (
	"slices"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
)

// What the tables promise has an accessor, and nothing else does.
func TestTablesAndAccessorsAgree(t *testing.T) {
	for product, shapes := range map[string]map[string]shape{
		taxonomy.Linux: linuxShapes(), taxonomy.Windows: windowsShapes(),
	} {
		platform := taxonomy.For(product)
		for name := range shapes {
			if platform.Record(name) == nil {
				t.Errorf("%s: the shape %s is no record of the tables", product, name)
			}
		}
		for _, r := range platform.Records {
			s, ok := shapes[r.Name]
			if !ok {
				t.Errorf("%s: no shape reads the record %s", product, r.Name)
				continue
			}
			for _, f := range r.Fields {
				has := s.fields[f.Name] != nil
				if f.Name == "aN" {
					has = s.argument != nil
				}
				if has != (f.Supply != taxonomy.Never) {
					t.Errorf("%s: %s: field %s is supplied %s; has an accessor: %v", product, r.Name, f.Name, f.Supply, has)
				}
			}
			promised := func(name string) bool {
				return slices.ContainsFunc(r.Fields, func(f taxonomy.Field) bool { return f.Name == name })
			}
			for name := range s.fields {
				if !promised(name) {
					t.Errorf("%s: %s: field %s is not in the tables", product, r.Name, name)
				}
			}
			for name := range s.lists {
				if !promised(name) {
					t.Errorf("%s: %s: list field %s is not in the tables", product, r.Name, name)
				}
			}
			if s.argument != nil && !promised("aN") {
				t.Errorf("%s: %s: the fields aN are not in the tables", product, r.Name)
			}
		}
	}
}
