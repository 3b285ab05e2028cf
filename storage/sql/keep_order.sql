-- True: another version of ICU sorts names since, and their index was made anew.
SELECT patchbay.keep_order()
