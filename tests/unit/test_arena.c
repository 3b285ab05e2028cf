#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "rules/arena.h"

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    unsigned char *pieces[400];
    for (size_t i = 0; i < 400; i++) {
        size_t size = i % 40 == 39 ? 10000 : i + 1;
        pieces[i] = arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        for (size_t j = 0; j < size; j++)
            assert_int_equal(pieces[i][j], 0);
        memset(pieces[i], (int)(i % 251) + 1, size);
    }
    for (size_t i = 0; i < 400; i++) {
        size_t size = i % 40 == 39 ? 10000 : i + 1;
        for (size_t j = 0; j < size; j++)
            assert_int_equal(pieces[i][j], i % 251 + 1);
    }
    arena_deinit(&arena);
}

static void a_reset_arena_hands_out_zeroed_memory_again(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 10; i++) {
            char *piece = arena_alloc(&arena, 3000);
            assert_int_equal(piece[0] | piece[2999], 0);
            memset(piece, 0xFF, 3000);
        }
        assert_true(arena.used >= 30000);
        arena_reset(&arena);
        assert_int_equal(arena.used, 0);
    }
    arena_deinit(&arena);
    arena_deinit(&arena);
}

/* Arenas are pooled: what one large request needed must not stay with each of them. */
static void a_reset_arena_keeps_no_large_block(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    arena_alloc(&arena, 1 << 22);
    arena_reset(&arena);
    assert_null(arena.blocks);
    void *small = arena_alloc(&arena, 16);
    struct arena_block *ordinary = arena.blocks;
    arena_alloc(&arena, 1 << 22);
    arena_reset(&arena);
    assert_ptr_equal(arena.blocks, ordinary);
    assert_ptr_equal(arena_alloc(&arena, 16), small);
    for (int i = 0; i < 300; i++)
        arena_alloc(&arena, i == 0 ? 1 << 22 : 100);
    arena_reset(&arena);
    arena_deinit(&arena);
}

static void an_empty_piece_is_a_piece(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    assert_non_null(arena_alloc(&arena, 0));
    arena_deinit(&arena);
}

static void copies_keep_their_bytes_and_end_with_nul(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    char text[] = "abc\0def";
    struct slice copy = arena_copy(&arena, (struct slice){text, 7});
    memset(text, 'x', sizeof text);
    assert_int_equal(copy.len, 7);
    assert_memory_equal(copy.ptr, "abc\0def\0", 8);
    struct slice absent = arena_copy(&arena, (struct slice){NULL, 0});
    assert_null(absent.ptr);
    assert_string_equal(arena_string(&arena, (struct slice){NULL, 0}), "");
    arena_deinit(&arena);
}

static void formatted_text_may_be_longer_than_a_block(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct slice text = arena_format(&arena, "%d-%06000d", 7, 5);
    assert_int_equal(text.len, 6002);
    assert_memory_equal(text.ptr, "7-0", 3);
    assert_int_equal(text.ptr[6002], 0);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(a_reset_arena_hands_out_zeroed_memory_again),
        cmocka_unit_test(a_reset_arena_keeps_no_large_block),
        cmocka_unit_test(an_empty_piece_is_a_piece),
        cmocka_unit_test(copies_keep_their_bytes_and_end_with_nul),
        cmocka_unit_test(formatted_text_may_be_longer_than_a_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
