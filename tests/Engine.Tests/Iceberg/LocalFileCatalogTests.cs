namespace Matih.Engine.Tests.Iceberg;

/// <summary>The same on a store that is asked for names, as the local disk is, and not for listings.</summary>
public sealed class LocalFileCatalogTests() : FileCatalogTests(findsByName: true);
