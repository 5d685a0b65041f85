#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test/defects/defects.py: how the lists are read, and where a defect goes, in made-up sources."""

import re
import sys
import tempfile
import unittest
from pathlib import Path

import tap

sys.path.insert(0, str(tap.ROOT / "test" / "defects"))
import defects  # noqa: E402 pylint: disable=wrong-import-position

SOURCE = """/* x.c */
#define LIMIT 3u /* not 3 */
static const int table[] = {1, 2, 3};
enum { FEW = 4, MANY = 5 };

static int f(int a)
{
    if (a == 3) /* 3 */
        return g(a,
                 3 + a);
    return 3;
}

static int other(int a)
{
    return a == 3;
}
"""
HEAD = "NAME: what is wrong\n    noticed by: boot\n    in: x.c f\n"


def with_change(part, *pairs):
    """What becomes of the source, with single spaces."""
    text = "NAME: what is wrong\n    noticed by: host map unmap; boot\n" + f"    in: x.c {part}\n"
    text += "".join(f"    from: {old}\n    to: {new}\n" for old, new in pairs)
    return re.sub(r" +", " ", defects.changed_text(SOURCE, defects.parse(text, "list")[0].changes))


class Lists(unittest.TestCase):
    def test_form(self):
        """defects: a list says name, who must notice, where, and several texts with what they become"""
        text = ("# why\n\nONE: it is so\n    noticed by: host map unmap; boot\n    in: x.c f\n    from: a\n"
                "        b\n    to:\n    from: c\n    to: d\n    in: y.h -\n    from: e\n    to: f\n\n"
                "two-2: and so\n    noticed by: frama\n    in: z.c g\n    from: from: a\n    to: b\n")
        one, two = defects.parse(text, "list")
        self.assertEqual((one.name, one.about), ("ONE", "it is so"))
        self.assertEqual(one.noticed_by, {"host": ["map", "unmap"], "boot": []})
        self.assertEqual([(c.file, c.part, c.old, c.new) for c in one.changes],
                         [("x.c", "f", "a b", ""), ("x.c", "f", "c", "d"), ("y.h", "-", "e", "f")])
        self.assertEqual((two.name, two.changes[0].old), ("two-2", "from: a"))

    def test_errors(self):
        """defects: what makes no sense in a list is an error that names the place or the defect"""
        for text, told in ((HEAD, "list: NAME: needs"), (HEAD + "    from: a\n", "list: NAME: needs"),
                           (HEAD + "    to: a\n", "list:4: makes no sense"),
                           (HEAD + "    from: a\n    from: b\n    to: c\n", "list:5: makes no sense"),
                           ("NAME: x\n    noticed by: nobody\n", "list:2: makes no sense"),
                           ("NAME: x\n    seen by: boot\n", "list:2: makes no sense"),
                           ("    in: x.c f\n", "list:1: makes no sense")):
            with self.subTest(text=text), self.assertRaisesRegex(defects.DefectError, told):
                defects.parse(text, "list")


class Places(unittest.TestCase):
    def test_tokens(self):
        """defects: lines, spaces and comments do not matter to what is looked for, the function does"""
        self.assertIn("return g(9) ;\n return 3;", with_change("f", ("g( a, /* ... */ 3 + a )", "g(9)")))
        self.assertIn("if ( a == 4 ) /* 3 */\n return g(a,", with_change("f", ("a == 3", "a == 4")))
        self.assertIn("return a == 4 ;\n}\n", with_change("other", ("a==3", "a == 4")))

    def test_parts(self):
        """defects: a macro, a table, an enum and the whole file can have one"""
        self.assertIn("#define LIMIT 4u /* not 3 */", with_change("LIMIT", ("3u", "4u")))
        self.assertIn("{1, 2, 4 };", with_change("table", ("3", "4")))
        self.assertIn("{ FEW = 4, MANY = 6 };", with_change("MANY", ("5", "6")))
        self.assertIn("{1, 4 , 3};", with_change("-", ("2", "4")))

    def test_several(self):
        """defects: several changes are all of the text as it was; they may not overlap"""
        text = with_change("f", ("a == 3", "a == 4"), ("return 3;", "if (a == 3) return 4;"))
        self.assertIn("if ( a == 4 ) /* 3 */", text)
        self.assertIn("if (a == 3) return 4;", text)
        with self.assertRaisesRegex(defects.DefectError, "overlap"):
            with_change("f", ("a == 3", "b"), ("if (a", "c"))

    def test_misfits(self):
        """defects: what stands there twice, or not, or changes nothing, is an error"""
        for part, old, told in (("f", "3", "this stands 3 times"), ("f", "a == 5", "this stands 0 times"),
                                ("h", "3", "x.c has no h"), ("other", "return", "changes nothing")):
            with self.subTest(old=old), self.assertRaisesRegex(defects.DefectError, told):
                with_change(part, (old, "return"))

    def test_files(self):
        """defects: a file is found by its name, of two the one with the function; errors name the defect"""
        with tempfile.TemporaryDirectory() as work:
            root = Path(work)
            other = "int h(void)\n{\n    return 3;\n}\n"
            for path, text in (("paging/a/x.c", SOURCE), ("kernel/x.c", other)):
                (root / path).parent.mkdir(parents=True)
                (root / path).write_text(text)
            defect, = defects.parse(HEAD + "    from: return 3;\n    to: return 4;\n", "list")
            (path, text), = defects.changed(defect, root).items()
            self.assertEqual(path, Path("paging/a/x.c"))
            self.assertIn("return 4;", text)
            defect.changes[0].part = "nothing"
            with self.assertRaisesRegex(defects.DefectError, "NAME: 0 files"):
                defects.changed(defect, root)

    def test_tree(self):
        """defects: a copy of the project has the defect, and the project itself does not change"""
        defect = defects.of_kind("host")[0]
        with tempfile.TemporaryDirectory() as work:
            defects.tree(defect, Path(work) / "tree")
            for path, text in defects.changed(defect).items():
                self.assertEqual((Path(work) / "tree" / path).read_text(), text)
                self.assertNotEqual((tap.ROOT / path).read_text(), text)
            self.assertTrue((Path(work) / "tree" / "Makefile").samefile(tap.ROOT / "Makefile"))


tap.main()
