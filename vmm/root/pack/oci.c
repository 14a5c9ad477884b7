/* oci.c - container images: which layers, in which order, and what to run.
 *
 * An OCI image layout names each part by its digest, which is checked before a part is looked at, and so
 * is its size.  What `docker save` wrote names the parts by where they are in its archive; a layer's name
 * is not its digest there, but the configuration has the digests of the layers, which are checked. */
#include <jansson.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

#include "vmm/root/pack/pack.h"

#define INDEX_DEPTH 4
#define LAYERS_MAX  256
#define TAG_NAME    "org.opencontainers.image.ref.name"

static json_t *parse(const struct pack *p, struct blob b, const char *what)
{
    json_error_t err;
    json_t *j = b.n <= 8u << 20 ? json_loadb((const char *)b.at, b.n, 0, &err) : NULL;
    if (!json_is_object(j) && !json_is_array(j))
        refuse(p, "%s: is not JSON that makes sense", what);
    return j;
}

static const char *text(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s != NULL ? s : "";
}

static bool digest_is(struct blob b, const char *hex)
{
    struct sha256_ctx ctx;
    uint8_t digest[SHA256_DIGEST_SIZE];
    char is[2 * SHA256_DIGEST_SIZE + 1];
    sha256_init(&ctx);
    sha256_update(&ctx, b.n, b.at);
    sha256_digest(&ctx, sizeof(digest), digest);
    for (unsigned i = 0; i < sizeof(digest); i++)
        sprintf(is + 2 * i, "%02x", digest[i]);
    return strcmp(is, hex) == 0;
}

/* What a descriptor names, checked. */
static struct blob descriptor(const struct pack *p, const struct layout *l, const json_t *d)
{
    const char *digest = text(d, "digest");
    if (strncmp(digest, "sha256:", 7) != 0 || strlen(digest) != 7 + 64)
        refuse(p, "digest '%.100s': only sha256 is known here", digest);
    for (unsigned i = 0; i < l->n; i++) {
        const struct layout_blob *b = &l->blob[i];
        if (strcmp(b->name, digest + 7) != 0)
            continue;
        if (json_integer_value(json_object_get(d, "size")) != (json_int_t)b->is.n)
            refuse(p, "%s has %zu bytes, and not as many as is said", digest, b->is.n);
        if (!digest_is(b->is, b->name))
            refuse(p, "%s: its digest is another: the image is damaged", digest);
        return b->is;
    }
    refuse(p, "%s is not in blobs/sha256", digest);
}

/* --- what to run ------------------------------------------------------------------------- */

static void add_words(struct pack *p, char letter, const json_t *list)
{
    size_t i;
    const json_t *word;
    if (list != NULL && !json_is_null(list) && !json_is_array(list))
        refuse(p, "its configuration has a word where a list should be");
    json_array_foreach(list, i, word)
    {
        if (!json_is_string(word))
            refuse(p, "its configuration has something else where a word should be");
        add_run(p, letter, json_string_value(word));
    }
}

static void take_config(struct pack *p, const json_t *image)
{
    const json_t *config = json_object_get(image, "config");
    const char *system = text(image, "os"), *cpu = text(image, "architecture");
    if ((*system != '\0' && strcmp(system, "linux") != 0) ||
        (*cpu != '\0' && strcmp(cpu, "amd64") != 0))
        refuse(p, "is for %s on %s; linux on amd64 is what runs here", system, cpu);
    add_words(p, 'E', json_object_get(config, "Env"));
    if (*text(config, "WorkingDir") != '\0')
        add_run(p, 'W', text(config, "WorkingDir"));
    if (*text(config, "User") != '\0')
        add_run(p, 'U', text(config, "User"));
    add_words(p, 'A', json_object_get(config, "Entrypoint"));
    add_words(p, 'A', json_object_get(config, "Cmd"));
}

static void add_layer(struct pack *p, struct blob layer)
{
    root_tree_next_layer(p->tree);
    pack_tar(p, layer, true);
}

/* --- OCI layouts ------------------------------------------------------------------------- */

static bool is_index(const json_t *d)
{
    return strstr(text(d, "mediaType"), "index") != NULL ||
           strstr(text(d, "mediaType"), "manifest.list") != NULL;
}

/* Of an index: the one with the tag; or the one for this kind of machine, or the only one. */
static const json_t *choose(const struct pack *p, const json_t *index, const char *tag)
{
    const json_t *list = json_object_get(index, "manifests"), *d, *found = NULL;
    size_t i, fit = 0;
    json_array_foreach(list, i, d)
    {
        const json_t *platform = json_object_get(d, "platform");
        const char *cpu = text(platform, "architecture"), *system = text(platform, "os");
        bool good = tag != NULL
                        ? strcmp(text(json_object_get(d, "annotations"), TAG_NAME), tag) == 0
                        : (*cpu == '\0' || strcmp(cpu, "amd64") == 0) &&
                              (*system == '\0' || strcmp(system, "linux") == 0);
        if (good && fit++ == 0)
            found = d;
    }
    if (found == NULL)
        refuse(p, tag != NULL ? "has no image that is called '%s'" : "has no image for amd64%s",
               tag != NULL ? tag : "");
    if (fit > 1 && tag == NULL)
        refuse(p, "has %zu images; say which: --root LAYOUT:TAG", fit);
    return found;
}

void pack_layout(struct pack *p, const struct layout *l, const char *tag)
{
    const json_t *d = choose(p, parse(p, l->index, "index.json"), tag), *layer;
    for (unsigned depth = 0; is_index(d); depth++) {
        if (depth == INDEX_DEPTH)
            refuse(p, "has indexes of indexes of indexes");
        d = choose(p, parse(p, descriptor(p, l, d), "an index"), NULL);
    }
    const json_t *manifest = parse(p, descriptor(p, l, d), "the manifest"),
                 *layers = json_object_get(manifest, "layers");
    struct blob config = descriptor(p, l, json_object_get(manifest, "config"));
    size_t i;
    if (!json_is_array(layers) || json_array_size(layers) > LAYERS_MAX)
        refuse(p, "has no list of layers, or one of more than %u", LAYERS_MAX);
    take_config(p, parse(p, config, "the configuration"));
    json_array_foreach(layers, i, layer) add_layer(p, descriptor(p, l, layer));
}

/* --- docker save ------------------------------------------------------------------------- */

static struct blob member(const struct pack *p, const struct layout *l, const char *name)
{
    struct blob b;
    if (*name == '\0' || !tar_member(l->tar, name, &b))
        refuse(p, "manifest.json names %.200s, which is not in it", name);
    return b;
}

static bool has_tag(const json_t *image, const char *tag)
{
    size_t i;
    const json_t *name;
    json_array_foreach(json_object_get(image, "RepoTags"), i, name)
    {
        const char *s = json_string_value(name), *colon = s != NULL ? strrchr(s, ':') : NULL;
        if (s != NULL && (strcmp(s, tag) == 0 || (colon != NULL && strcmp(colon + 1, tag) == 0)))
            return true;
    }
    return false;
}

void pack_docker(struct pack *p, const struct layout *l, struct blob manifest, const char *tag)
{
    const json_t *list = parse(p, manifest, "manifest.json"), *image, *found = NULL, *layer;
    size_t i, fit = 0;
    json_array_foreach(list, i, image)
    {
        if (tag == NULL || has_tag(image, tag)) {
            found = image;
            fit++;
        }
    }
    if (fit != 1)
        refuse(p, "has %zu images%s%s; say which: --root FILE:TAG", fit,
               tag != NULL ? " with tag " : "", tag != NULL ? tag : "");
    const json_t *config = parse(p, member(p, l, text(found, "Config")), "the configuration"),
                 *layers = json_object_get(found, "Layers"),
                 *digests = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
    if (!json_is_array(layers) || json_array_size(layers) > LAYERS_MAX ||
        json_array_size(digests) != json_array_size(layers))
        refuse(p, "has no list of layers with their digests, or one of more than %u", LAYERS_MAX);
    take_config(p, config);
    json_array_foreach(layers, i, layer)
    {
        const char *name = json_string_value(layer);
        struct blob b = member(p, l, name != NULL ? name : "");
        const char *digest = json_string_value(json_array_get(digests, i));
        if (tar_is_plain(b) &&
            (digest == NULL || strncmp(digest, "sha256:", 7) != 0 || !digest_is(b, digest + 7)))
            refuse(p, "%.200s: its digest is another: the image is damaged", name);
        add_layer(p, b);
    }
}
