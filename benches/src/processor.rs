use raw_cpuid::{CacheType, CpuId};

/// The model of this processor and the sizes of its caches, as CPUID tells them.
pub fn describe() -> String {
    let cpuid = CpuId::new();
    let model =
        cpuid.get_processor_brand_string().map_or("unknown x86-64".to_owned(), |name| name.as_str().trim().to_owned());
    let caches = cpuid.get_cache_parameters().into_iter().flatten().filter_map(|cache| {
        let kind = match cache.cache_type() {
            CacheType::Data => "d",
            CacheType::Unified => "",
            _ => return None,
        };
        let lines = cache.associativity() * cache.physical_line_partitions() * cache.sets();
        Some(format!("L{}{kind} {} KiB", cache.level(), lines * cache.coherency_line_size() / 1024))
    });
    let words: Vec<_> = std::iter::once(model).chain(caches).collect();
    words.join(", ")
}
